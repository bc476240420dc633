"""Macro architectures: sequences of stages, some of them to be determined."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.architecture import Architecture, labels
from autosnn_nni.search_spaces.blocks import BLOCKS, PAPER_CANDIDATES, BlockFactory
from autosnn_nni.search_spaces.layers import VOTERS
from autosnn_nni.search_spaces.stages import Fixed, Pool, Shape, Stage

_CONV = Fixed("conv_k3", 1)
_STEM_64 = (Pool(), _CONV)
_STEM_128 = (Pool(), _CONV, Pool())


@dataclass(frozen=True)
class Placed:
    """A stage of a network, with its name, its TBD blocks and its input and output shapes."""

    name: str
    stage: Stage
    labels: tuple[str, ...]
    before: Shape
    after: Shape


@dataclass(frozen=True)
class Macro:
    """The stages between the first convolution, which has C channels, and the voting layer.

    ``stem`` are additional first stages; by default they reduce images of 64x64 and of 128x128
    pixels to 32x32 (Figure 6). ``kernel`` is the kernel size of the first convolution, before which
    ``shrink`` x ``shrink`` pixels are averaged. With ``currents`` it has no neurons and passes its
    currents to the next stage. ``batch_norm`` says where batch norm is: after every ``"layer"``,
    there with separate parameters for every timestep (``"time"``), or only before the ``"last"``
    layer.
    ``voters`` is the number of neurons per class in the voting layer. ``candidates`` are the
    default candidates of TBD blocks, out of ``blocks``.
    """

    stages: tuple[Stage, ...]
    stem: tuple[Stage, ...] | None = None
    kernel: int = 3
    shrink: int = 1
    currents: bool = False
    batch_norm: str = "layer"
    voters: int = VOTERS
    candidates: Architecture = PAPER_CANDIDATES
    blocks: Registry[BlockFactory] = field(default_factory=lambda: BLOCKS)

    @property
    def tbd_blocks(self) -> int:
        """The number of TBD blocks."""
        return self._shared + sum(stage.slots for stage in self.stages if not stage.shared)

    @property
    def _shared(self) -> int:
        return max((stage.slots for stage in self.stages if stage.shared), default=0)

    def place(self, shape: Shape, channels: int) -> Iterator[Placed]:
        """Yield every stage with name and shapes, for images of ``shape`` and C ``channels``."""
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
        """Whether images of this size are large enough for all stages."""
        return all(min(placed.after) > 0 for placed in self.place((1, height, width), 1))

    @property
    def least_side(self) -> int:
        """The side length of the smallest square image that is large enough."""
        return next(side for side in count(1) if self.fits(side, side))


def _stem(side: int) -> tuple[Stage, ...]:
    if side >= 128:
        return _STEM_128
    return _STEM_64 if side >= 64 else ()
