"""Graphs as an ONNX model of one timestep, whose potentials are inputs and outputs.

Opset 16, float32. ``pip install 'autosnn-nni[onnx]'`` brings what writes it.
"""

from collections.abc import Mapping
from functools import singledispatchmethod
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

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
    Shape,
    SumPool,
)

_OPSET = 16
#: The newest form of files that onnxruntime of that opset's time reads.
_IR_VERSION = 8


def to_onnx(graph: Graph, about: Mapping[str, str] = {}) -> onnx.ModelProto:
    """The model: ``input`` ``[N, C, H, W]`` and potentials to ``output`` and potentials.

    ``v_NAME`` and ``v_NAME_next`` ``[N, ...]`` are the potentials of the neurons NAME before the
    timestep, 0 at first, and after it. ``about`` is added to the model's metadata.
    """
    writer = _Writer(graph)
    for node in graph.nodes.values():
        writer.write(node)
    writer.add("Identity", [graph.last.name], "output")
    states = [(node.name, node.shape) for node in graph.neurons]
    inputs = [(graph.input.name, graph.input.shape), *((f"v_{name}", s) for name, s in states)]
    outputs = [("output", graph.last.shape), *((f"v_{name}_next", s) for name, s in states)]
    made = helper.make_graph(
        writer.calls,
        "autosnn",
        [_value(*one) for one in inputs],
        [_value(*one) for one in outputs],
        writer.constants,
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    about = {
        **about,
        "timesteps": str(graph.timesteps),
        "classes": str(graph.classes),
        "voters_per_class": str(graph.voters),
    }
    helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    return model


def _value(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])


class _Writer:
    """Collects calls of operators, and constants; a node's output has its name."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.calls: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, inputs: list[str], output: str, **options: Any) -> str:
        """Add a call; gives the name of its output."""
        self.calls.append(helper.make_node(operator, inputs, [output], output, **options))
        return output

    def constant(self, name: str, value: Any) -> str:
        """Add a constant; gives its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def _sum(self, node: Node) -> str:
        """The name of the sum of a node's inputs."""
        first, *others = node.inputs
        total = first
        for number, other in enumerate(others):
            total = self.add("Add", [total, other], f"{node.name}.sum{number}")
        return total

    def _before(self, node: Node) -> Shape:
        return self._graph.nodes[node.inputs[0]].shape

    @singledispatchmethod
    def write(self, node: Node) -> None:
        """Add what a node does."""
        raise NotImplementedError(type(node).__name__)

    @write.register
    def _(self, node: Input) -> None:
        pass

    @write.register
    def _(self, node: Convolution) -> None:
        inputs = [self._sum(node), self.constant(f"{node.name}.weight", node.weight)]
        if node.bias is not None:
            inputs.append(self.constant(f"{node.name}.bias", node.bias))
        self.add(
            "Conv",
            inputs,
            node.name,
            strides=list(node.stride),
            pads=[*node.padding, *node.padding],
            dilations=list(node.dilation),
            group=node.groups,
        )

    @write.register
    def _(self, node: Dense) -> None:
        flat = self.add("Flatten", [self._sum(node)], f"{node.name}.flat")
        inputs = [flat, self.constant(f"{node.name}.weight", node.weight)]
        if node.bias is not None:
            inputs.append(self.constant(f"{node.name}.bias", node.bias))
        self.add("Gemm", inputs, node.name, transB=1)

    @write.register
    def _(self, node: Affine) -> None:
        per_channel = (-1, *[1] * (len(node.shape) - 1))
        scale = self.constant(f"{node.name}.scale", node.scale.view(per_channel))
        shift = self.constant(f"{node.name}.shift", node.shift.view(per_channel))
        scaled = self.add("Mul", [self._sum(node), scale], f"{node.name}.scaled")
        self.add("Add", [scaled, shift], node.name)

    @write.register
    def _(self, node: MaxPool) -> None:
        self.add("MaxPool", [self._sum(node)], node.name, **self._windows(node))

    @write.register
    def _(self, node: SumPool) -> None:
        height, width = node.kernel
        windows = {**self._windows(node), "count_include_pad": 1}
        if node.divisor == height * width:
            self.add("AveragePool", [self._sum(node)], node.name, **windows)
            return
        # ONNX has no sums, and its averages are over what is left of a window that is cut off.
        ones = np.full((node.shape[0], 1, height, width), 1 / node.divisor)
        weight = self.constant(f"{node.name}.weight", ones)
        windows = {"strides": windows["strides"], "pads": self._all_pads(node)}
        self.add("Conv", [self._sum(node), weight], node.name, group=node.shape[0], **windows)

    def _windows(self, node: Pool) -> dict[str, Any]:
        return {
            "kernel_shape": list(node.kernel),
            "strides": list(node.stride),
            "pads": self._all_pads(node),
        }

    def _all_pads(self, node: Pool) -> list[int]:
        """Padding before and after, so that a last window that is cut off is whole."""
        cut_off = node.cut_off(self._before(node))
        ends = [padding + more for padding, more in zip(node.padding, cut_off, strict=True)]
        return [*node.padding, *ends]

    @write.register
    def _(self, node: Neurons) -> None:
        name, v = node.name, f"v_{node.name}"
        constants = {"leak": node.leak, "gain": node.gain, "threshold": node.threshold}
        leak, gain, threshold = (self.constant(f"{name}.{k}", one) for k, one in constants.items())
        lost = self.add("Mul", [v, leak], f"{name}.lost")
        kept = self.add("Sub", [v, lost], f"{name}.kept")
        gained = self.add("Mul", [self._sum(node), gain], f"{name}.gained")
        charged = self.add("Add", [kept, gained], f"{name}.charged")
        fires = self.add("GreaterOrEqual", [charged, threshold], f"{name}.fires")
        self.add("Cast", [fires], name, to=TensorProto.FLOAT)
        silent = self.add("Not", [fires], f"{name}.silent")
        left = self.add("Cast", [silent], f"{name}.left", to=TensorProto.FLOAT)
        self.add("Mul", [charged, left], f"{v}_next")
