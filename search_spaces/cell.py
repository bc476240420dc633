"""SNASNet's cell (Kim et al. 2022): four nodes, one operation between each pair of nodes.

Node 0 is the input and node 3 the output. A node is the sum of its operations' outputs. A forward
operation runs from the earlier node to the later one in the same timestep, a backward operation
from the later node to the earlier one in the next timestep. Neurons come before the convolutions
instead of after them, so nodes are sums of real values.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import torch
from spikingjelly.activation_based import base, layer
from torch import Tensor, nn

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.batch_norm import BatchNorm2d
from autosnn_nni.search_spaces.blocks import BlockFactory
from autosnn_nni.search_spaces.candidate_names import is_reserved
from autosnn_nni.search_spaces.layers import ConvBN
from autosnn_nni.search_spaces.neurons import NeuronFactory
from autosnn_nni.search_spaces.stages import Maker, Shape, Stage

NODES = 4
EDGES = tuple(combinations(range(NODES), 2))

Layers = Callable[[int, NeuronFactory], nn.Module]

#: Candidate operations of an edge, made like blocks; input and output channels are equal.
OPERATIONS: Registry[BlockFactory] = Registry("operation", is_reserved)


class Operation(nn.Module):
    """Layers between two nodes in one direction; the output in the other direction is 0."""

    def __init__(self, layers: nn.Module, *, backward: bool) -> None:
        super().__init__()
        self.layers = layers
        self.backward = backward

    def forward(self, x: Tensor, backward: bool) -> Tensor | float:
        """Contribution of ``x`` ``[N, C, H, W]`` to the other node: of the same shape, or 0."""
        return self.layers(x) if backward == self.backward else 0.0


class NeuronConv(nn.Module):
    """Neuron, convolution, batch norm."""

    def __init__(self, channels: int, neuron: NeuronFactory, *, kernel: int) -> None:
        super().__init__()
        self.neuron = neuron()
        self.conv = ConvBN(channels, channels, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """Map currents ``[N, C, H, W]`` to currents of the same shape."""
        return self.conv(self.neuron(x))


class Zero(nn.Module):
    """Outputs zeros."""

    def forward(self, x: Tensor) -> Tensor:
        """Zeros like ``x``."""
        return torch.zeros_like(x)


def _add(name: str, layers: Layers) -> None:
    """Register both directions of an operation."""
    for prefix, backward in (("", False), ("back_", True)):

        def make(
            in_channels: int, out_channels: int, stride: int, neuron: NeuronFactory, back: bool
        ) -> nn.Module:
            return Operation(layers(in_channels, neuron), backward=back)

        OPERATIONS.add(f"{prefix}{name}", partial(make, back=backward))


OPERATIONS.add("zeroize", lambda *shape: Operation(Zero(), backward=False))
_add("skip", lambda channels, neuron: nn.Identity())
_add("conv_k1", partial(NeuronConv, kernel=1))
_add("conv_k3", partial(NeuronConv, kernel=3))
_add("average_pool", lambda channels, neuron: layer.AvgPool2d(3, 1, 1))

FORWARD = tuple(name for name in OPERATIONS if not name.startswith("back_"))
BACKWARD = tuple(name for name in OPERATIONS if name.startswith("back_"))


class SpikingCell(base.MemoryModule):
    """The cell; ``operations``, by label, connect the nodes of ``EDGES``, in that order."""

    feedback: list[Tensor | float] | None

    def __init__(self, operations: Mapping[str, nn.Module]) -> None:
        super().__init__()
        for label, operation in operations.items():
            self.add_module(label, operation)
        self.register_memory("feedback", None)

    def forward(self, x: Tensor) -> Tensor:
        """Map node 0 ``[N, C, H, W]`` to node 3, of the same shape, at one timestep."""
        operations = dict(zip(EDGES, self.children(), strict=True))
        nodes: list[Tensor] = []
        for node in range(NODES):
            inputs = [operations[other, node](nodes[other], False) for other in range(node)]
            feedback = self.feedback[node] if self.feedback else 0.0
            nodes.append(_sum(x, *(inputs if node else [x]), feedback))
        self.feedback = [
            sum(operations[node, later](nodes[later], True) for later in range(node + 1, NODES))
            for node in range(NODES)
        ]
        return nodes[-1]


def _sum(like: Tensor, *values: Tensor | float) -> Tensor:
    total = sum(values)
    return total if isinstance(total, Tensor) else torch.zeros_like(like)


@dataclass(frozen=True)
class Cell(Stage):
    """A cell of ``width`` x C input and output channels; all cells have the same operations."""

    width: int

    prefix, kind = "cell", "tbd"
    slots, shared = len(EDGES), True

    @property
    def title(self) -> str:
        """Placeholder."""
        return "to be determined"

    def output(self, shape: Shape, channels: int) -> Shape:
        """Same as the input shape."""
        return shape

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """A cell of six operations to be determined."""
        channels = self.width * maker.channels
        return SpikingCell({label: maker.slot(label, channels, channels, 1) for label in labels})


@dataclass(frozen=True)
class Reduction(Stage):
    """Stage between cells: batch norm, neuron, conv 3x3 to ``width`` x C, batch norm, mean pool."""

    width: int

    prefix, kind = "reduction", "block"

    @property
    def title(self) -> str:
        """Display name."""
        return "reduction"

    def output(self, shape: Shape, channels: int) -> Shape:
        """``width`` x C channels, half of each side."""
        return self.width * channels, shape[1] // 2, shape[2] // 2

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The layers."""
        out_channels = self.width * maker.channels
        return nn.Sequential(
            Activation().build(shape, (), maker),
            ConvBN(shape[0], out_channels, 3),
            layer.AvgPool2d(2),
        )


@dataclass(frozen=True)
class Activation(Stage):
    """Batch norm and neuron after the last cell."""

    prefix, kind = "activation", "block"

    @property
    def title(self) -> str:
        """Display name."""
        return "neurons"

    def output(self, shape: Shape, channels: int) -> Shape:
        """Same as the input shape."""
        return shape

    def build(self, shape: Shape, labels: Sequence[str], maker: Maker) -> nn.Module:
        """The layers."""
        unit = nn.Sequential()
        unit.add_module("bn", BatchNorm2d(shape[0]))
        unit.add_module("neuron", maker.neuron())
        return unit
