"""A network's graph as layers of a chip: what each needs, and what can't be mapped."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autosnn_nni.chips import Chip
from autosnn_nni.export.graph import (
    Affine,
    Convolution,
    Dense,
    Graph,
    Input,
    MaxPool,
    Neurons,
    Node,
    Pool,
    SumPool,
)
from autosnn_nni.search_spaces.operations import windows_over

_SUMS = "several layers are added up before it, as in a residual block"


@dataclass(frozen=True)
class Layer:
    """What neurons on a chip need, with the weights in front of them.

    ``weights`` are those of kernels, which a convolution uses at every pixel; ``connections`` count
    each use. ``inputs`` send spikes to the layer. If cores have room for a layer each, sides are
    rounded up to powers of two there: ``padded_neurons``, ``padded_weights``.
    """

    name: str
    neurons: int
    weights: int
    connections: int
    inputs: int
    padded_neurons: int
    padded_weights: int


@dataclass(frozen=True)
class Mapped:
    """The ``layers`` of a network on a chip, and the nodes that its ``host`` computes.

    ``problems`` are the names of nodes by what keeps them from the chip. ``illegal`` nodes have a
    problem wherever they are, with whatever other layers.
    """

    layers: tuple[Layer, ...]
    host: tuple[str, ...]
    problems: dict[str, list[str]]
    illegal: tuple[str, ...]


class Mapping:
    """Maps a graph to a chip whose inputs are spikes.

    What gets ``pixels`` is left to the host: the first layer with its neurons. Events are spikes.
    """

    def __init__(self, graph: Graph, chip: Chip, *, pixels: bool) -> None:
        self._graph, self._chip = graph, chip
        self._numbers = {graph.input.name} if pixels else set[str]()
        self._host: list[str] = []

    def result(self) -> Mapped:
        """Map all nodes."""
        layers: list[Layer] = []
        problems: dict[str, list[str]] = {}
        for node in self._graph.nodes.values():
            if isinstance(node, Input) or self._leave_to_host(node):
                continue
            for problem in self._problems(node):
                problems.setdefault(problem, []).append(node.name)
            if isinstance(node, Neurons) or (isinstance(node, Pool) and not self._chip.pools):
                layers.append(self._layer(node))
        illegal = tuple(
            name
            for problem, names in problems.items()
            for name in names
            if problem != _SUMS or self._adds_up_its_own(name)
        )
        for name, problem in (*self._large_pools(), *self._fan_outs()):
            problems.setdefault(problem, []).append(name)
        return Mapped(tuple(layers), tuple(self._host), problems, illegal)

    def _leave_to_host(self, node: Node) -> bool:
        if not all(name in self._numbers for name in node.inputs):
            return False
        self._host.append(node.name)
        if not isinstance(node, Neurons):
            self._numbers.add(node.name)
        return True

    def _problems(self, node: Node) -> Iterator[str]:
        """What keeps the node from the chip."""
        chip = self._chip
        if any(name in self._numbers for name in node.inputs):
            yield "it gets pixels and spikes"
        if len(node.inputs) > 1 and not chip.sums:
            yield _SUMS
        if isinstance(node, Affine):
            yield "batch norm that is no part of a layer"
        elif isinstance(node, Neurons):
            yield from self._of_neurons(node)
        elif isinstance(node, MaxPool) and not chip.max_pools:
            yield "a max-pool"
        elif isinstance(node, SumPool) and chip.pools:
            yield from self._of_pool(node)
        elif isinstance(node, Convolution | Dense):
            yield from self._of_weights(node)

    def _adds_up_its_own(self, name: str) -> bool:
        """Whether one of the layers that are added up before a node is in its own block."""
        places = {one.partition("_")[0] for one in self._graph.nodes[name].inputs}
        return name.partition("_")[0] in places

    def _of_neurons(self, node: Neurons) -> Iterator[str]:
        if not self._chip.neurons:
            yield "neurons that keep a potential"
        elif node.leak and not self._chip.leaks:
            yield "leaky neurons; IF neurons have no leak"
        if self._chip.layer_per_core and not self._weights_before(node):
            yield "neurons without a layer with weights before them"

    def _of_pool(self, node: SumPool) -> Iterator[str]:
        side = node.kernel[0]
        if not node.kernel == node.stride == (side, side) or node.padding != (0, 0):
            yield "a pool that overlaps, or is not square"

    def _large_pools(self) -> Iterator[tuple[str, str]]:
        """Pools, with those before them, that the chip does not have."""
        for node in self._graph.nodes.values():
            side, one = 1, node
            while isinstance(one, SumPool):  # pools one behind the other are a larger one
                side *= one.kernel[0]
                one = self._graph.nodes[one.inputs[0]]
            if self._chip.pools and isinstance(node, SumPool) and side not in self._chip.pools:
                yield (
                    node.name,
                    f"a pool of {side}x{side} in all; there are {_listed(self._chip.pools)}",
                )

    def _of_weights(self, node: Convolution | Dense) -> Iterator[str]:
        chip, before = self._chip, (*self._before(node), 1, 1)
        kernel = node.weight.shape[2:] if isinstance(node, Convolution) else before[1:3]
        channels = max(before[0], node.shape[0])
        if chip.kernel and max(kernel) > chip.kernel:
            yield f"a kernel of {max(kernel)}x{max(kernel)}, but at most {chip.kernel}"
        if chip.side and max(before[1:3]) > chip.side:
            yield f"inputs of {before[1]}x{before[2]}, but at most {chip.side}x{chip.side}"
        if chip.channels and channels > chip.channels:
            yield f"{channels} channels, but at most {chip.channels}"
        if isinstance(node, Convolution) and chip.strides:
            if not set(node.stride) <= set(chip.strides):
                yield f"a stride of {max(node.stride)}; only {_listed(chip.strides)} are there"
            if node.dilation != (1, 1):
                yield "a dilated convolution"

    def _fan_outs(self) -> Iterator[tuple[str, str]]:
        if self._chip.fan_out is None:
            return
        targets: dict[str, set[str]] = {}
        for node in self._graph.nodes.values():
            if isinstance(node, Convolution | Dense):
                for source in self._sources(node):
                    targets.setdefault(source, set()).add(node.name)
        for source, names in targets.items():
            if len(names) > self._chip.fan_out and source not in self._host:
                yield source, f"it sends to {len(names)} layers, but at most {self._chip.fan_out}"

    def _sources(self, node: Node) -> Iterator[str]:
        """The layers whose spikes reach a node, through pools."""
        for name in node.inputs:
            before = self._graph.nodes[name]
            if isinstance(before, Pool):
                yield from self._sources(before)
            else:
                yield name

    def _weights_before(self, node: Node) -> list[Convolution | Dense]:
        before = [self._graph.nodes[name] for name in node.inputs]
        return [one for one in before if isinstance(one, Convolution | Dense)]

    def _before(self, node: Node) -> tuple[int, ...]:
        return self._graph.nodes[node.inputs[0]].shape

    def _layer(self, node: Node) -> Layer:
        weights = self._weights_before(node)
        neurons = math.prod(node.shape)
        connections = sum(map(self._connections, weights))
        if isinstance(node, Pool):
            connections += neurons * math.prod(node.kernel)
        connections += neurons * (len(node.inputs) - len(weights))  # shortcuts, one to one
        return Layer(
            node.name,
            neurons,
            sum(one.weight.numel() for one in weights),
            connections,
            sum(math.prod(self._before(one)) for one in weights) or math.prod(self._before(node)),
            node.shape[0] * math.prod(map(_power_of_two, node.shape[1:])),
            sum(map(self._padded, weights)),
        )

    def _connections(self, layer: Convolution | Dense) -> int:
        if isinstance(layer, Dense):
            return layer.weight.numel()
        height, width = self._before(layer)[1:]
        kernel = (layer.weight.shape[2], layer.weight.shape[3])
        down, right = layer.padding
        padding = (right, right, down, down)
        size = (height, width)
        windows = windows_over(kernel, layer.stride, padding, layer.dilation, size).sum()
        return int(windows) * layer.weight.shape[0] * layer.weight.shape[1]

    def _padded(self, layer: Convolution | Dense) -> int:
        before = (*self._before(layer), 1, 1)[:3]
        outputs = layer.weight.shape[0]
        kernel = layer.weight.shape[2:] if isinstance(layer, Convolution) else before[1:]
        return before[0] * _power_of_two(math.prod(kernel)) * _power_of_two(outputs)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _power_of_two(number: int) -> int:
    """The next power of two, if it is none."""
    return 1 << max(number - 1, 0).bit_length()
