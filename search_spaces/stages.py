"""The stages that macro architectures are made of (paper Figures 6 and 7).

A stage says what it leaves of a shape (channels, height, width) and makes its module. Widths are in
units of the initial channel C.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from autosnn_nni.search_spaces.blocks import BLOCKS
from autosnn_nni.search_spaces.layers import (
    GlobalAveragePool,
    SpikingLinear,
    average_pool,
    max_pool,
    mean_pool,
)
from autosnn_nni.search_spaces.neurons import NeuronFactory

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Maker:
    """What stages are made with: C, neurons, and what fills a TBD block.

    ``slot`` takes its label, its channels before and after, and its stride.
    """

    channels: int
    neuron: NeuronFactory
    slot: Callable[[str, int, int, int], nn.Module]


class Stage(ABC):
    """``prefix`` begins a stage's name, ``kind`` is how it is drawn, ``slots`` its TBD blocks.

    All stages of a network with ``shared`` TBD blocks have the same ones.
    """

    prefix: ClassVar[str]
    kind: ClassVar[str]
    slots: ClassVar[int] = 0
    shared: ClassVar[bool] = False

    @property
    @abstractmethod
    def title(self) -> str:
        """What a person reads, unless it is to be determined."""

    @abstractmethod
    def output(self, shape: Shape, channels: int) -> Shape:
        """The shape behind the stage, from the one before it and C."""

    @abstractmethod
    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The module for inputs of ``shape``; ``labels`` are those of its TBD blocks."""


@dataclass(frozen=True)
class TBD(Stage):
    """A to-be-determined block of ``width`` x C channels; a stride of 2 rounds odd sizes up."""

    width: int
    stride: int = 1

    prefix = kind = "tbd"
    slots = 1

    @property
    def title(self) -> str:
        """What is not known yet."""
        return "to be determined"

    def output(self, shape: Shape, channels: int) -> Shape:
        """``width`` x C channels."""
        return _strided(shape, self.width * channels, self.stride)

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """What fills the slot."""
        (label,) = labels
        return maker.slot(label, shape[0], self.width * maker.channels, self.stride)


@dataclass(frozen=True)
class Fixed(Stage):
    """A block that is given by its name in ``BLOCKS``, of ``width`` x C channels."""

    block: str
    width: int
    stride: int = 1

    prefix = kind = "block"

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
        return BLOCKS[self.block](shape[0], out_channels, self.stride, maker.neuron)


@dataclass(frozen=True)
class Pool(Stage):
    """A 2x2 pooling layer that rounds odd sizes down: ``"max"``, ``"average"`` or ``"mean"``.

    ``"average"`` is followed by neurons. An average of spikes is at most 1: a leaky neuron hardly
    reaches its threshold of 1 on it until training has raised its alpha. ``"mean"`` has none behind
    it: its averages go on as they are.
    """

    type: str = "max"

    prefix = kind = "pool"

    @property
    def title(self) -> str:
        """The type in words."""
        return "average pool" if self.type == "average" else f"{self.type} pool"

    def output(self, shape: Shape, channels: int) -> Shape:
        """Half of each side."""
        return shape[0], shape[1] // 2, shape[2] // 2

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The pool, with its neurons if it has any."""
        if self.type == "average":
            return average_pool(maker.neuron)
        return max_pool() if self.type == "max" else mean_pool()


@dataclass(frozen=True)
class GlobalPool(Stage):
    """A global average pool with neurons."""

    prefix, kind = "gap", "pool"

    @property
    def title(self) -> str:
        """In words."""
        return "global average pool"

    def output(self, shape: Shape, channels: int) -> Shape:
        """One value a channel."""
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
        """In words."""
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
