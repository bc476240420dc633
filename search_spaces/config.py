"""The settings of a network: everything except its blocks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

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
from autosnn_nni.search_spaces.neurons import NEURONS, NeuronFactory, make_neuron
from autosnn_nni.search_spaces.stages import Shape
from autosnn_nni.search_spaces.surrogates import SURROGATES

#: Batch norm statistics: per timestep, with one set of running statistics (the authors' setting) or
#: with a set kept for every timestep; or pooled over all timesteps.
STATISTICS = ("timestep", "kept", "pooled")

#: What leaky neurons behind an average pool get: the sum of its window, or the average itself.
AVERAGES = ("sum", "mean")


@dataclass(frozen=True)
class NetworkConfig:
    """The settings of a network: everything except its blocks.

    ``shape`` is an image's (channels, height, width); ``channels`` is the paper's initial channel
    C; ``candidates`` are the names of the candidate blocks, by default those of the space;
    ``batch_norm`` is one of ``STATISTICS``; ``averages`` is one of ``AVERAGES``; ``surrogate`` is
    one of ``SURROGATES``, for training.
    If ``timesteps`` is a tuple, one of its numbers is chosen together with the blocks. Raises
    :class:`UserError` for invalid values.
    """

    space: str
    shape: Shape
    classes: int
    channels: int = 16
    timesteps: int | tuple[int, ...] = 8
    neuron: str = "PLIF"
    candidates: Architecture = ()
    batch_norm: str = "timestep"
    surrogate: str = "atan"
    averages: str = "sum"

    def __post_init__(self) -> None:
        if self.channels < 2 or self.channels % 2:
            raise UserError(f"channels must be even and positive, not {self.channels}")
        _ = NEURONS[self.neuron], SURROGATES[self.surrogate]
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
        if self.averages not in AVERAGES:
            raise UserError(f"averages must be sum or mean, not {self.averages!r}")
        if self.batch_norm == "pooled" and not set(BACKWARD).isdisjoint(self.candidates):
            raise UserError(
                f"{self.space} has connections between timesteps, so batch norm can't be pooled "
                "over time; choose another batch norm"
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
            raise UserError("timesteps must be a single number, or at least two to choose from")
        if self.neuron == "ANN":
            raise UserError(
                "a ReLU network is the same at all timesteps; give a single number of timesteps"
            )
        if not self.macro.tbd_blocks:
            raise UserError(
                f"{self.space} has no TBD blocks to search; give a single number of timesteps"
            )

    def _check_size(self) -> None:
        if not isinstance(self.shape, tuple | list) or len(self.shape) != 3 or min(self.shape) < 1:
            raise UserError(f"shape is (channels, height, width), not {self.shape}")
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
    def make_neuron(self) -> NeuronFactory:
        """Makes a layer of neurons."""
        return partial(make_neuron, self.neuron, self.surrogate)

    @property
    def stages(self) -> tuple[Placed, ...]:
        """The stages between the first convolution and the voting layer, with names and shapes."""
        return tuple(self.macro.place(self.shape, self.channels))

    @property
    def features(self) -> Shape:
        """The voting layer's input shape."""
        return self.stages[-1].after

    @property
    def size(self) -> int:
        """The number of architectures in the space."""
        return math.prod(map(len, self.choices.values()))

    @property
    def timesteps_choice(self) -> tuple[int, ...]:
        """The numbers of timesteps to choose from."""
        return (self.timesteps,) if isinstance(self.timesteps, int) else self.timesteps

    @property
    def choices(self) -> dict[str, Architecture]:
        """The candidates of every choice, by NNI's label, in order."""
        choices = dict.fromkeys(labels(self.macro.tbd_blocks), self.candidates)
        if isinstance(self.timesteps, int):
            return choices
        return {**choices, TIMESTEPS: tuple(map(timesteps_name, self.timesteps))}

    def stand_alone(self, architecture: Sequence[str]) -> tuple["NetworkConfig", Architecture]:
        """Return the settings of one architecture's network, including T, and its blocks.

        Raises :class:`UserError` if the architecture is not in this space.
        """
        blocks, timesteps = split_timesteps(self.check(architecture))
        return (self if timesteps is None else replace(self, timesteps=timesteps)), blocks

    def check(self, architecture: Sequence[str]) -> Architecture:
        """Return ``architecture``; raises :class:`UserError` if it is not in this space.

        If T is not a choice, it may be given, but it is left out of the result.
        """
        blocks, timesteps = split_timesteps(architecture)
        self._check_blocks(blocks)
        known = ", ".join(map(timesteps_name, self.timesteps_choice))
        if timesteps is not None and timesteps not in self.timesteps_choice:
            raise UserError(
                f"{timesteps_name(timesteps)} is not one of the timesteps of this space: {known}"
            )
        if isinstance(self.timesteps, int):
            return blocks
        if timesteps is None:
            raise UserError(f"the timesteps are missing; add one of {known} after the blocks")
        return tuple(architecture)

    def _check_blocks(self, blocks: Architecture) -> None:
        for name in blocks:
            self.macro.blocks[name]
        if len(blocks) != self.macro.tbd_blocks:
            raise UserError(
                f"{self.space} has {self.macro.tbd_blocks} TBD blocks, but {len(blocks)} blocks "
                f"were given ({', '.join(blocks)}); give one block per TBD block"
            )
