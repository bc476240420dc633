"""A trained network as a graph of few kinds of nodes, which every export is written from.

A node gets the sum of its inputs. All timesteps run the same graph; only neurons have a state.
Batch norm is folded into the convolution before it. Weights are float64, sizes (height, width).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

#: (channels, height, width), or (features,) behind a fully connected layer.
Shape = tuple[int, ...]
Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """A node: its ``inputs`` are names of nodes, ``shape`` is that of its output."""

    name: str
    inputs: tuple[str, ...]
    shape: Shape


@dataclass(frozen=True, kw_only=True, eq=False)
class Input(Node):
    """The pixels of an image, the same at every timestep, or the events of one timestep."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution(Node):
    """A convolution; ``weight`` is ``[out, in / groups, height, width]``."""

    weight: Tensor
    bias: Tensor | None
    stride: Size
    padding: Size
    dilation: Size = (1, 1)
    groups: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Dense(Node):
    """A fully connected layer of the flattened input; ``weight`` is ``[out, in]``."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Affine(Node):
    """``scale x + shift`` of every channel; both are ``[C]``."""

    scale: Tensor
    shift: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool(Node):
    """Windows of its input; ``shape`` says whether a last one that is cut off counts too."""

    kernel: Size
    stride: Size
    padding: Size

    def cut_off(self, before: Shape) -> Size:
        """By how many pixels the last windows reach beyond the padding of inputs ``before``."""
        height, width = (
            max((after - 1) * stride + kernel - size - 2 * padding, 0)
            for after, stride, kernel, size, padding in zip(
                self.shape[1:], self.stride, self.kernel, before[1:], self.padding, strict=True
            )
        )
        return height, width


@dataclass(frozen=True, kw_only=True, eq=False)
class MaxPool(Pool):
    """Whether any neuron of a window has sent a spike."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SumPool(Pool):
    """The sum of a window, divided by ``divisor``."""

    divisor: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Neurons(Node):
    """Neurons (Eq. 2): ``h = v - leak v + gain x``; a spike where ``h >= threshold``.

    v is 0 at first and after a spike, else it becomes h. IF neurons have a leak of 0 and a gain of
    1; in LIF and PLIF neurons both are 1/tau.
    """

    leak: float
    gain: float
    threshold: float = 1.0


@dataclass(frozen=True, eq=False)
class Graph:
    """A network's nodes by name, each after its inputs; the last one are the voting neurons.

    As many neurons vote for each class, one class after another: a class's votes are the mean of
    their spikes over all timesteps. ``modules`` are the names in the network of the modules that
    nodes come from.
    """

    nodes: dict[str, Node]
    timesteps: int
    classes: int
    modules: Mapping[str, str]

    @property
    def input(self) -> Node:
        """The images."""
        return next(iter(self.nodes.values()))

    @property
    def last(self) -> Node:
        """The voting neurons."""
        return next(reversed(self.nodes.values()))

    @property
    def voters(self) -> int:
        """Neurons per class."""
        return self.last.shape[0] // self.classes

    @property
    def neurons(self) -> list[Neurons]:
        """All layers of neurons, in order."""
        return [node for node in self.nodes.values() if isinstance(node, Neurons)]
