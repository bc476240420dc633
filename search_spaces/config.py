"""Everything that fixes a network but its blocks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces.architecture import (
    TIMESTEPS,
    Architecture,
    labels,
    split_timesteps,
    timesteps_name,
)
from autosnn_nni.search_spaces.cell import BACKWARD
from autosnn_nni.search_spaces.macro import Macro, Placed
from autosnn_nni.search_spaces.macros import MACROS
from autosnn_nni.search_spaces.neurons import NEURONS
from autosnn_nni.search_spaces.stages import Shape

#: Batch norm's statistics: per timestep, with one set of running ones (the authors' setting) or
#: with one kept for every timestep; or pooled over all timesteps.
STATISTICS = ("timestep", "kept", "pooled")


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that fixes a network but its blocks.

    ``shape`` is an image's (channels, height, width); ``channels`` is the paper's initial channel
    C; ``candidates`` name the blocks a TBD block may become, by default those of the space;
    ``batch_norm`` is one of ``STATISTICS``. Of several ``timesteps`` one is to be chosen with the
    blocks. Raises :class:`UserError` where a value makes no network.
    """

    space: str
    shape: Shape
    classes: int
    channels: int = 16
    timesteps: int | tuple[int, ...] = 8
    neuron: str = "PLIF"
    candidates: Architecture = ()
    batch_norm: str = "timestep"

    def __post_init__(self) -> None:
        if self.channels < 2 or self.channels % 2:
            raise UserError(f"channels must be even and positive, not {self.channels}")
        NEURONS[self.neuron]
        self._check_timesteps()
        if not self.candidates:
            object.__setattr__(self, "candidates", self.macro.candidates)
        for name in self.candidates:
            self.macro.blocks[name]
            if self.candidates.count(name) > 1:
                raise UserError(f"candidate {name!r} is named twice; name each block once")
        if self.batch_norm not in STATISTICS:
            known = ", ".join(STATISTICS)
            raise UserError(f"batch norm must be one of {known}, not {self.batch_norm!r}")
        if self.batch_norm == "pooled" and not set(BACKWARD).isdisjoint(self.candidates):
            raise UserError(
                f"{self.space} has connections through time: batch norm can't be pooled over it"
            )
        self._check_size()

    def _check_timesteps(self) -> None:
        choice = self.timesteps_choice
        for timesteps in choice:
            if timesteps < 1:
                raise UserError(f"timesteps must be at least 1, not {timesteps}")
            if choice.count(timesteps) > 1:
                raise UserError(f"{timesteps} timesteps are named twice; name each number once")
        if isinstance(self.timesteps, int):
            return
        if len(choice) < 2:
            raise UserError("timesteps to choose from must be two numbers or more, or a single one")
        if self.neuron == "ANN":
            raise UserError("a network of ReLUs is the same at all timesteps; name a single number")
        if not self.macro.tbd_blocks:
            raise UserError(
                f"{self.space} has nothing to choose; name a single number of timesteps"
            )

    def _check_size(self) -> None:
        if not self.macro.fits(*self.shape[1:]):
            least = self.macro.least_side
            raise UserError(
                f"images of {self.shape[1]}x{self.shape[2]} are too small for {self.space}; "
                f"its pooling layers need at least {least}x{least}"
            )

    @property
    def macro(self) -> Macro:
        """The macro architecture."""
        return MACROS[self.space]

    @property
    def stages(self) -> tuple[Placed, ...]:
        """The stages between the first convolution and the voting layer, at their places."""
        return tuple(self.macro.place(self.shape, self.channels))

    @property
    def features(self) -> Shape:
        """The shape of what the voting layer sees."""
        return self.stages[-1].after

    @property
    def size(self) -> int:
        """How many architectures the space holds."""
        return math.prod(map(len, self.choices.values()))

    @property
    def timesteps_choice(self) -> tuple[int, ...]:
        """The timesteps that a network of this space may have."""
        return (self.timesteps,) if isinstance(self.timesteps, int) else self.timesteps

    @property
    def choices(self) -> dict[str, Architecture]:
        """The candidates of everything that is to be chosen, by NNI's label, in order."""
        choices = dict.fromkeys(labels(self.macro.tbd_blocks), self.candidates)
        if isinstance(self.timesteps, int):
            return choices
        return {**choices, TIMESTEPS: tuple(map(timesteps_name, self.timesteps))}

    def stand_alone(self, architecture: Sequence[str]) -> tuple["NetworkConfig", Architecture]:
        """What fixes the network of one architecture, T included, and its blocks.

        Raises :class:`UserError` if it is none of this space.
        """
        blocks, timesteps = split_timesteps(self.check(architecture))
        return (self if timesteps is None else replace(self, timesteps=timesteps)), blocks

    def check(self, architecture: Sequence[str]) -> Architecture:
        """An architecture of this space; raises :class:`UserError` if it is none.

        Where T is no choice it may be named, but is left out of what is returned.
        """
        blocks, timesteps = split_timesteps(architecture)
        self._check_blocks(blocks)
        known = ", ".join(map(timesteps_name, self.timesteps_choice))
        if timesteps is not None and timesteps not in self.timesteps_choice:
            raise UserError(f"{timesteps_name(timesteps)} is not among the timesteps here: {known}")
        if isinstance(self.timesteps, int):
            return blocks
        if timesteps is None:
            raise UserError(f"the timesteps are missing; name one of {known} after the blocks")
        return tuple(architecture)

    def _check_blocks(self, blocks: Architecture) -> None:
        for name in blocks:
            self.macro.blocks[name]
        if len(blocks) != self.macro.tbd_blocks:
            raise UserError(
                f"{self.space} has {self.macro.tbd_blocks} TBD blocks, but {len(blocks)} blocks "
                f"were given ({', '.join(blocks)}); name one block per TBD block"
            )
