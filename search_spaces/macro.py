"""What a macro architecture is: a row of stages, some of which are to be determined."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.architecture import Architecture, labels
from autosnn_nni.search_spaces.blocks import BLOCKS, PAPER_CANDIDATES, BlockFactory
from autosnn_nni.search_spaces.stages import Fixed, Pool, Shape, Stage

_CONV = Fixed("conv_k3", 1)
_STEM_64 = (Pool(), _CONV)
_STEM_128 = (Pool(), _CONV, Pool())


@dataclass(frozen=True)
class Placed:
    """A stage at its place in a network: its name, its TBD blocks, the shapes around it."""

    name: str
    stage: Stage
    labels: tuple[str, ...]
    before: Shape
    after: Shape


@dataclass(frozen=True)
class Macro:
    """The stages between a first convolution to C channels and the voting layer.

    ``stem`` are those that come first of all; by default as many as bring images of 64x64 and of
    128x128 pixels down to 32x32 (Figure 6). ``kernel`` is that of the first convolution, before
    which ``shrink`` x ``shrink`` pixels are averaged; with ``currents`` it has no neurons, and the
    next stage gets its currents. ``batch_norm`` is where it stands: behind every ``"layer"``, there
    with parameters of its own at every ``"time"``, or before the ``"last"`` layer alone.
    ``candidates`` are what TBD blocks may become by default, out of ``blocks``.
    """

    stages: tuple[Stage, ...]
    stem: tuple[Stage, ...] | None = None
    kernel: int = 3
    shrink: int = 1
    currents: bool = False
    batch_norm: str = "layer"
    candidates: Architecture = PAPER_CANDIDATES
    blocks: Registry[BlockFactory] = field(default_factory=lambda: BLOCKS)

    @property
    def tbd_blocks(self) -> int:
        """How many blocks are to be determined."""
        return self._shared + sum(stage.slots for stage in self.stages if not stage.shared)

    @property
    def _shared(self) -> int:
        return max((stage.slots for stage in self.stages if stage.shared), default=0)

    def place(self, shape: Shape, channels: int) -> Iterator[Placed]:
        """Every stage at its place, for images of ``shape`` and C ``channels``."""
        shape = (channels, shape[1] // self.shrink, shape[2] // self.shrink)
        stem = _stem(min(shape[1:])) if self.stem is None else self.stem
        slots = labels(self.tbd_blocks)
        shared, single, numbers = slots[: self._shared], iter(slots[self._shared :]), Counter[str]()
        for place, stages in (("stem_", stem), ("", self.stages)):
            numbers.clear()
            for stage in stages:
                numbers[stage.prefix] += 1
                after = stage.output(shape, channels)
                name = f"{place}{stage.prefix}{numbers[stage.prefix]}"
                own = shared if stage.shared else tuple(islice(single, stage.slots))
                yield Placed(name, stage, own, shape, after)
                shape = after

    def fits(self, height: int, width: int) -> bool:
        """Whether something is left of images of this size."""
        return all(min(placed.after) > 0 for placed in self.place((1, height, width), 1))

    @property
    def least_side(self) -> int:
        """The side of the smallest square image of which something is left."""
        return next(side for side in count(1) if self.fits(side, side))


def _stem(side: int) -> tuple[Stage, ...]:
    if side >= 128:
        return _STEM_128
    return _STEM_64 if side >= 64 else ()
