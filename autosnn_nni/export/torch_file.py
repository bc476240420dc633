"""Graphs as a Python file that needs torch alone, and its weights as safetensors."""

from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any

import jinja2
import torch
from torch import Tensor

from autosnn_nni.export.exported import Exported
from autosnn_nni.export.graph import (
    Affine,
    Convolution,
    Dense,
    Graph,
    MaxPool,
    Neurons,
    Node,
    Pool,
    Shape,
    SumPool,
)
from autosnn_nni.search_spaces import to_text

_TEMPLATE = "network.py.j2"


@dataclass(frozen=True)
class _Layer:
    """Lines of code: how the layer ``name`` is made, and how it is called."""

    name: str
    made: str
    call: str


def source_of(exported: Exported) -> str:
    """The Python file."""
    graph, dataset, config = exported.graph, exported.dataset, exported.config
    nodes = [node for node in graph.nodes.values() if node is not graph.input]
    network = f"{config.space} with {to_text(exported.blocks)}" if exported.blocks else config.space
    values = {
        "title": f"{network}, trained on {dataset.name}.",
        "network": f"{network}: {config.neuron} neurons, C = {config.channels}.",
        "layout": "[N, T, C, H, W]" if dataset.events else "[N, C, H, W]",
        "dtype": str(dataset.test.at(exported.rows).dtype).removeprefix("torch."),
        "made_by": exported.about["made_by"],
        "timesteps": graph.timesteps,
        "classes": graph.classes,
        "events": dataset.events,
        "mean": list(dataset.mean),
        "std": list(dataset.std),
        "layers": [_layer(node, graph) for node in nodes],
        "input": graph.input.name,
        "last": graph.last.name,
    }
    return _template().render(values)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # Python, not HTML
    )
    return environment.get_template(_TEMPLATE)


def weights_of(graph: Graph, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """The weights by the names that they have in the file's network."""
    return {
        f"{node.name}.{name}": value.to(dtype).contiguous()
        for node in graph.nodes.values()
        for name, value in _weights(node).items()
        if value is not None
    }


def _weights(node: Node) -> dict[str, Tensor | None]:
    if isinstance(node, Affine):
        return {"weight": node.scale.view(-1, 1, 1, 1), "bias": node.shift}
    if isinstance(node, Convolution | Dense):
        return {"weight": node.weight, "bias": node.bias}
    return {}


def _layer(node: Node, graph: Graph) -> _Layer:
    before = graph.nodes[node.inputs[0]].shape
    value = " + ".join(node.inputs)
    if isinstance(node, Dense) and len(before) > 1:
        value = f"{value}.flatten(1)" if len(node.inputs) == 1 else f"({value}).flatten(1)"
    call = f"self.{node.name}({value})"
    if isinstance(node, Neurons | MaxPool):
        call = f"self.sent({call})"
    return _Layer(node.name, _made(node, before), call)


@singledispatch
def _made(node: Node, before: Shape) -> str:
    """The call that makes a node's layer."""
    raise NotImplementedError(type(node).__name__)


@_made.register
def _(node: Neurons, before: Shape) -> str:
    return _call("Neurons", node.leak, node.gain, threshold=(node.threshold, 1.0))


@_made.register
def _(node: Convolution, before: Shape) -> str:
    outputs, inputs, *kernel = node.weight.shape
    return _call(
        "nn.Conv2d",
        inputs * node.groups,
        outputs,
        _size(kernel),
        stride=(_size(node.stride), 1),
        padding=(_size(node.padding), 0),
        dilation=(_size(node.dilation), 1),
        groups=(node.groups, 1),
        bias=(node.bias is not None, True),
    )


@_made.register
def _(node: Affine, before: Shape) -> str:
    return _call("nn.Conv2d", len(node.scale), len(node.scale), 1, groups=(len(node.scale), 1))


@_made.register
def _(node: Dense, before: Shape) -> str:
    outputs, inputs = node.weight.shape
    return _call("nn.Linear", inputs, outputs, bias=(node.bias is not None, True))


@_made.register
def _(node: MaxPool, before: Shape) -> str:
    return _call("nn.MaxPool2d", _size(node.kernel), **_windows(node, before))


@_made.register
def _(node: SumPool, before: Shape) -> str:
    height, width = node.kernel
    divisor = (None if node.divisor == height * width else node.divisor, None)
    windows = _windows(node, before)
    return _call("nn.AvgPool2d", _size(node.kernel), **windows, divisor_override=divisor)


def _windows(node: Pool, before: Shape) -> dict[str, Any]:
    """Arguments of a pool, each with torch's default."""
    return {
        "stride": (_size(node.stride), _size(node.kernel)),
        "padding": (_size(node.padding), 0),
        "ceil_mode": (node.cut_off(before) != (0, 0), False),
    }


def _size(pair: Any) -> int | tuple[int, int]:
    height, width = pair
    return height if height == width else (height, width)


def _call(name: str, *arguments: object, **options: tuple[object, object]) -> str:
    """A call without the options that have torch's default, their second value."""
    named = [f"{key}={value!r}" for key, (value, default) in options.items() if value != default]
    return f"{name}({', '.join([*map(repr, arguments), *named])})"
