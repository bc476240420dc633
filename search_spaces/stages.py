"""The stages of macro architectures (paper Figures 6 and 7).

A stage computes its output shape (channels, height, width) and builds its module. Widths are in
units of the initial channel C.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from autosnn_nni.search_spaces.layers import (
    GlobalAveragePool,
    SpikingLinear,
    average_pool,
    max_pool,
    mean_pool,
    sum_pool,
)
from autosnn_nni.search_spaces.neurons import NeuronFactory

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Maker:
    """What stages need to build their modules: C, the neuron, and factories of blocks.

    ``slot`` takes a TBD block's label, its input and output channels, and its stride; ``fixed``
    takes a block's name in place of the label.
    """

    channels: int
    neuron: NeuronFactory
    slot: Callable[[str, int, int, int], nn.Module]
    fixed: Callable[[str, int, int, int], nn.Module]


class Stage(ABC):
    """A stage of a macro architecture.

    ``prefix`` is the start of its name, ``kind`` is how it is drawn, ``slots`` is its number of TBD
    blocks. All stages of a network whose TBD blocks are ``shared`` have the same ones.
    """

    prefix: ClassVar[str]
    kind: ClassVar[str]
    slots: ClassVar[int] = 0
    shared: ClassVar[bool] = False

    @property
    def has_blocks(self) -> bool:
        """Whether it is made of blocks that are registered by name."""
        return self.slots > 0

    @property
    @abstractmethod
    def title(self) -> str:
        """Display name, if the stage has no TBD blocks."""

    @abstractmethod
    def output(self, shape: Shape, channels: int) -> Shape:
        """Output shape for an input of ``shape`` and C ``channels``."""

    @abstractmethod
    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """Build the module for inputs of ``shape``; ``labels`` are those of its TBD blocks."""


@dataclass(frozen=True)
class TBD(Stage):
    """A to-be-determined block of ``width`` x C channels; a stride of 2 rounds odd sizes up."""

    width: int
    stride: int = 1

    prefix = kind = "tbd"
    slots = 1

    @property
    def title(self) -> str:
        """Placeholder."""
        return "to be determined"

    def output(self, shape: Shape, channels: int) -> Shape:
        """``width`` x C channels."""
        return _strided(shape, self.width * channels, self.stride)

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The TBD block."""
        (label,) = labels
        return maker.slot(label, shape[0], self.width * maker.channels, self.stride)


@dataclass(frozen=True)
class Fixed(Stage):
    """A fixed block, by its name in ``BLOCKS``, of ``width`` x C channels."""

    block: str
    width: int
    stride: int = 1

    prefix = kind = "block"

    @property
    def has_blocks(self) -> bool:
        """It is one."""
        return True

    @property
    def title(self) -> str:
        """The block's name."""
        return self.block

    def output(self, shape: Shape, channels: int) -> Shape:
        """``width`` x C channels."""
        return _strided(shape, self.width * channels, self.stride)

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The block."""
        out_channels = self.width * maker.channels
        return maker.fixed(self.block, shape[0], out_channels, self.stride)


@dataclass(frozen=True)
class Pool(Stage):
    """A 2x2 pooling layer that rounds odd sizes down: of one of these types.

    ``"max"`` passes a spike if there is any. ``"average"`` is followed by neurons, which get sums
    instead if they are leaky and the network's ``averages`` are ``"sum"``. ``"mean"`` has no
    neurons: the averages themselves are passed on. ``"sum"`` passes all spikes on.
    """

    type: str = "max"

    prefix = kind = "pool"

    @property
    def title(self) -> str:
        """Display name of the type."""
        return "average pool" if self.type == "average" else f"{self.type} pool"

    def output(self, shape: Shape, channels: int) -> Shape:
        """Half of each side."""
        return shape[0], shape[1] // 2, shape[2] // 2

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The pool, with its neurons if it has any."""
        if self.type == "average":
            return average_pool(maker.neuron)
        return {"max": max_pool, "mean": mean_pool, "sum": sum_pool}[self.type]()


@dataclass(frozen=True)
class GlobalPool(Stage):
    """A global average pool with neurons."""

    prefix, kind = "gap", "pool"

    @property
    def title(self) -> str:
        """Display name."""
        return "global average pool"

    def output(self, shape: Shape, channels: int) -> Shape:
        """One value per channel."""
        return shape[0], 1, 1

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The pool and its neurons."""
        return GlobalAveragePool(maker.neuron)


@dataclass(frozen=True)
class FullyConnected(Stage):
    """A hidden fully connected layer of ``width`` x C neurons."""

    width: int

    prefix, kind = "fc", "head"

    @property
    def title(self) -> str:
        """Display name."""
        return "fully connected"

    def output(self, shape: Shape, channels: int) -> Shape:
        """``width`` x C values."""
        return self.width * channels, 1, 1

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The layer and its neurons."""
        return SpikingLinear(math.prod(shape), self.width * maker.channels, maker.neuron)


def _strided(shape: Shape, channels: int, stride: int) -> Shape:
    height, width = (-(-side // stride) for side in shape[1:])
    return channels, height, width
