"""Networks to graphs: every call of a layer becomes a node."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn

from autosnn_nni.errors import UserError
from autosnn_nni.export.fold import fold
from autosnn_nni.export.graph import (
    Affine,
    Dense,
    Graph,
    Input,
    MaxPool,
    Neurons,
    Node,
    Shape,
    SumPool,
)
from autosnn_nni.export.layers import node_of
from autosnn_nni.export.tracing import OneTimestep, refusal
from autosnn_nni.search_spaces import NetworkConfig, SpikingNetwork, is_spiking

#: A value between nodes: the nodes that add up to it, and how many times each of them.
Value = Mapping[str, float]

#: Layers that do nothing to a trained network's values, or change only their shape.
_PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
#: Methods and functions that change only the shape.
_RESHAPING = {"contiguous", "flatten", "reshape", "squeeze", "unflatten", "unsqueeze", "view"}


def graph_of(network: SpikingNetwork, config: NetworkConfig) -> Graph:
    """The graph of a trained network.

    Raises :class:`UserError` for what a graph can't express: networks without spikes, connections
    between timesteps, layers that differ from timestep to timestep, and unknown layers.
    """
    if not is_spiking(network):
        raise refusal("a network without spiking neurons")
    step = OneTimestep(network)
    converter = _Converter(step)
    for call in step.calls(config.shape):
        converter.convert(call)
    nodes = fold(converter.nodes)
    modules = {name: path for name, path in converter.modules.items() if name in nodes}
    (timesteps,) = config.timesteps_choice
    return Graph(nodes, timesteps, config.classes, modules)


class _Converter:
    """Converts calls one by one."""

    def __init__(self, step: OneTimestep) -> None:
        self._step = step
        self.nodes: dict[str, Node] = {}
        self.modules: dict[str, str] = {}
        self._values: dict[fx.Node, Value] = {}

    def convert(self, call: fx.Node) -> None:
        """Add the node of a call, or note which nodes its result is the sum of."""
        if call.op == "placeholder":
            self._add(call, None, "input", Input, {})
        elif call.op == "call_module":
            path = str(call.target)
            self._values[call] = self._layer(call, path, self._step.get_submodule(path))
        elif call.op in ("call_function", "call_method"):
            self._values[call] = self._function(call)
        elif call.op != "output":
            raise refusal(f"{call.target}, which belongs to no layer,")

    def _layer(self, call: fx.Node, path: str, layer: nn.Module) -> Value:
        if len(call.all_input_nodes) != 1:
            raise refusal(f"{path}, a layer with several inputs,")
        (argument,) = call.all_input_nodes
        if isinstance(layer, _PASSING):
            return self._values[argument]
        try:
            kind, fields = node_of(layer, _shape(argument))
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        if kind is MaxPool and not self._are_spikes(argument):
            raise refusal(f"{path}, a max-pool of other values than spikes,")
        if path in self.modules.values() and kind is Neurons:
            raise refusal(f"{path}, whose neurons fire twice in a timestep,")
        name = path.removeprefix("stages.").removesuffix(".0").replace(".", "_")
        added = self._add(call, argument, name, kind, fields)
        self.modules |= dict.fromkeys(added, path)
        return added

    def _add(
        self, call: fx.Node, argument: Any, name: str, kind: type[Node], fields: Mapping[str, Any]
    ) -> Value:
        name = name if name not in self.nodes else f"{name}_{call.name}"
        inputs = () if argument is None else self._inputs(argument, kind)
        self.nodes[name] = kind(name=name, inputs=inputs, shape=_shape(call), **fields)
        self._values[call] = {name: 1.0}
        return self._values[call]

    def _inputs(self, argument: Any, kind: type[Node]) -> tuple[str, ...]:
        value = self._values[argument]
        if not value:
            raise refusal("a layer that gets nothing but zeros")
        for name in value:
            if kind is not Dense and not _same(self.nodes[name].shape, _shape(argument)):
                raise refusal(f"a block that gives the output of {name} another shape")
        return tuple(self._times(name, times) for name, times in value.items())

    def _times(self, name: str, times: float) -> str:
        if times == 1:
            return name
        node, made = self.nodes[name], f"{name}_times_{times:g}"
        made = made.translate({ord("."): "_", ord("-"): "m"})
        scale = torch.full((node.shape[0],), times, dtype=torch.float64)
        self.nodes[made] = Affine(
            name=made, inputs=(name,), shape=node.shape, scale=scale, shift=torch.zeros_like(scale)
        )
        return made

    def _are_spikes(self, argument: Any) -> bool:
        return isinstance(self._single(argument), Neurons | MaxPool)

    def _single(self, argument: Any) -> Node | None:
        """The node whose output is the value, if it is a single one."""
        value = self._values[argument]
        return self.nodes[next(iter(value))] if list(value.values()) == [1.0] else None

    def _function(self, call: fx.Node) -> Value:
        name = getattr(call.target, "__name__", str(call.target))
        values = [self._values[one] for one in call.args if isinstance(one, fx.Node)]
        numbers = [one for one in call.args if isinstance(one, int | float)]
        if name in _RESHAPING or (name == "getitem" and _adds_axes(call.args[1])):
            return values[0]
        if name == "zeros_like":
            return {}
        if name in ("sum", "mean"):
            return self._over_all_pixels(call, name)
        if not call.kwargs and name == "add" and not any(numbers):
            return _sum(*values)
        if not call.kwargs and name == "sub" and len(values) == 2:
            return _sum(values[0], _scaled(values[1], -1.0))
        divides = name in ("truediv", "div") and isinstance(call.args[0], fx.Node)
        if not call.kwargs and len(values) == len(numbers) == 1 and (divides or name == "mul"):
            return _scaled(values[0], 1 / numbers[0] if divides else numbers[0])
        raise refusal(f"the function {name} of a block")

    def _over_all_pixels(self, call: fx.Node, name: str) -> Value:
        argument, *options = call.args
        given = {**dict(zip(("dim", "keepdim"), options, strict=False)), **call.kwargs}
        if given.get("dim") not in ((-2, -1), (-1, -2)) or not given.get("keepdim"):
            raise refusal(f"the function {name}, except over both axes of pixels with keepdim,")
        height, width = _shape(argument)[-2:]
        windows = {"kernel": (height, width), "stride": (height, width), "padding": (0, 0)}
        divisor = height * width if name == "mean" else 1
        place = list(call.meta["nn_module_stack"])[-1]
        name = f"{place.removeprefix('stages.')}_{name}".replace(".", "_")
        return self._add(call, argument, name, SumPool, {**windows, "divisor": divisor})


def _shape(call: Any) -> Shape:
    """The shape of a call's result for one image."""
    return tuple(call.meta["tensor_meta"].shape[1:])


def _same(shape: Shape, other: Shape) -> bool:
    """Whether two shapes are equal apart from axes of size 1 at the end."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    while other and other[-1] == 1:
        other = other[:-1]
    return shape == other


def _adds_axes(index: Any) -> bool:
    indices = index if isinstance(index, tuple) else (index,)
    return all(one is None or one is Ellipsis or one == slice(None) for one in indices)


def _sum(*values: Value) -> Value:
    total: dict[str, float] = {}
    for name, times in (item for value in values for item in value.items()):
        total[name] = total.get(name, 0.0) + times
    return total


def _scaled(value: Value, factor: float) -> Value:
    return {name: factor * times for name, times in value.items()}
