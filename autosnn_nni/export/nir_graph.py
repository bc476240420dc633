"""Graphs in NIR, the Neuromorphic Intermediate Representation (Pedersen et al. 2024).

NIR's neurons spike where the potential is *above* the threshold, the paper's where it reaches it:
the threshold here is the next smaller number. A max-pool is a sum-pool and a layer of neurons that
spike at the first input and keep nothing. Everything that NIR has no node for, or that readers get
wrong, becomes a convolution without groups.
"""

from collections.abc import Iterator, Mapping
from functools import singledispatch
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import nir
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from autosnn_nni.export.graph import (
    Affine,
    Convolution,
    Dense,
    Graph,
    Input,
    MaxPool,
    Neurons,
    Node,
    Shape,
    Size,
    SumPool,
)
from autosnn_nni.export.tracing import refusal

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

#: Seconds of a timestep: what SpikingJelly and snnTorch take.
DT = 1e-4


def to_nir(
    graph: Graph, about: Mapping[str, str] = {}, dtype: "DTypeLike" = np.float32
) -> nir.NIRGraph:
    """The graph in NIR, with numbers of ``dtype``; ``about`` is added to its metadata.

    Raises :class:`UserError` for pools that NIR can't express.
    """
    nodes: dict[str, nir.NIRNode] = {}
    edges: list[tuple[str, str]] = []
    numbers = _Numbers(dtype)
    for node in graph.nodes.values():
        before = graph.nodes[node.inputs[0]].shape if node.inputs else node.shape
        parts = dict(_parts(node, before, numbers))
        nodes |= parts
        edges += [(source, next(iter(parts))) for source in node.inputs]
        edges += pairwise(parts)
    nodes["output"] = nir.Output(output_type={"output": np.array(graph.last.shape)})
    edges.append((graph.last.name, "output"))
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata={**_metadata(graph), **about})


def _metadata(graph: Graph) -> dict[str, str]:
    """What a graph does not say by itself. Texts, because readers differ in everything else."""
    return {
        "timesteps": str(graph.timesteps),
        "dt": str(DT),
        "input": "the same image at every timestep, or a frame of events for each of them",
        "output": "spikes of the neurons that vote, for one class after another; the mean of their "
        "spikes over all timesteps are the class's votes",
        "classes": str(graph.classes),
        "voters_per_class": str(graph.voters),
    }


class _Numbers:
    """Makes arrays of one type."""

    def __init__(self, dtype: "DTypeLike") -> None:
        self.dtype = np.dtype(dtype)

    def __call__(self, weights: Tensor) -> "NDArray[Any]":
        return weights.numpy().astype(self.dtype)

    def everywhere(self, shape: Shape, value: float) -> "NDArray[Any]":
        return np.full(shape, value, self.dtype)

    def just_below(self, threshold: float) -> float:
        """The threshold of a neuron that spikes above it, not at it."""
        below: Any = np.array([threshold, -np.inf], self.dtype)
        return float(np.nextafter(*below))


@singledispatch
def _parts(node: Node, before: Shape, numbers: _Numbers) -> Iterator[tuple[str, nir.NIRNode]]:
    """The NIR nodes, one after another, that do what ``node`` does; the last one has its name."""
    raise NotImplementedError(type(node).__name__)


@_parts.register
def _(node: Input, before: Shape, numbers: _Numbers) -> Iterator[tuple[str, nir.NIRNode]]:
    yield node.name, nir.Input(input_type={"input": np.array(node.shape)})


@_parts.register
def _(node: Convolution, before: Shape, numbers: _Numbers) -> Iterator[tuple[str, nir.NIRNode]]:
    bias = node.weight.new_zeros(node.shape[0]) if node.bias is None else node.bias
    weight, padding = _square(node)
    yield (
        node.name,
        nir.Conv2d(
            input_shape=before[1:],
            weight=numbers(_without_groups(weight, node.groups)),
            stride=node.stride,
            padding=padding,
            dilation=node.dilation,
            groups=1,
            bias=numbers(bias),
        ),
    )


@_parts.register
def _(node: Dense, before: Shape, numbers: _Numbers) -> Iterator[tuple[str, nir.NIRNode]]:
    if len(before) > 1:
        flat = nir.Flatten({"input": np.array(before)}, start_dim=0, end_dim=-1)
        yield f"{node.name}_flatten", flat
    if node.bias is None:
        yield node.name, nir.Linear(weight=numbers(node.weight))
    else:
        yield node.name, nir.Affine(weight=numbers(node.weight), bias=numbers(node.bias))


@_parts.register
def _(node: Affine, before: Shape, numbers: _Numbers) -> Iterator[tuple[str, nir.NIRNode]]:
    weight = node.scale.view(-1, 1, 1, 1)
    convolution = Convolution(
        name=node.name,
        inputs=node.inputs,
        shape=node.shape,
        weight=weight,
        bias=node.shift,
        stride=(1, 1),
        padding=(0, 0),
        groups=len(weight),
    )
    return _parts(convolution, before, numbers)


@_parts.register
def _(node: Neurons, before: Shape, numbers: _Numbers) -> Iterator[tuple[str, nir.NIRNode]]:
    def everywhere(value: float) -> "NDArray[Any]":
        return numbers.everywhere(node.shape, value)

    threshold = everywhere(numbers.just_below(node.threshold))
    zero = everywhere(0)
    if not node.leak:
        r = everywhere(node.gain / DT)
        yield node.name, nir.IF(r=r, v_threshold=threshold, v_reset=zero)
        return
    yield (
        node.name,
        nir.LIF(
            tau=everywhere(DT / node.leak),
            r=everywhere(node.gain / node.leak),
            v_leak=zero,
            v_threshold=threshold,
            v_reset=zero,
        ),
    )


@_parts.register
def _(node: SumPool, before: Shape, numbers: _Numbers) -> Iterator[tuple[str, nir.NIRNode]]:
    height, width = node.kernel
    whole = node.cut_off(before) == (0, 0)
    windows = [np.array(size) for size in (node.kernel, node.stride, node.padding)]
    if whole and node.divisor == height * width:
        yield node.name, nir.AvgPool2d(*windows)
    elif whole and node.divisor == 1 and node.padding == (0, 0):  # nirtorch ignores padding
        yield node.name, nir.SumPool2d(*windows)
    else:
        yield from _parts(_as_convolution(node, before), before, numbers)


@_parts.register
def _(node: MaxPool, before: Shape, numbers: _Numbers) -> Iterator[tuple[str, nir.NIRNode]]:
    sums = SumPool(
        name=f"{node.name}_sum",
        inputs=node.inputs,
        shape=node.shape,
        kernel=node.kernel,
        stride=node.stride,
        padding=node.padding,
    )
    yield from _parts(sums, before, numbers)
    # A potential of half the sum: one spike is enough, and without any it stays 0.
    any_spike = Neurons(
        name=node.name, inputs=(sums.name,), shape=node.shape, leak=0.5, gain=0.5, threshold=0.25
    )
    yield from _parts(any_spike, sums.shape, numbers)


def _as_convolution(pool: SumPool, before: Shape) -> Convolution:
    """A pool as a convolution.

    Padding is the same on all sides. Where it is needed at the end, zeros at the kernel's start
    make up for it.
    """
    start, (height, width) = max(pool.cut_off(before)), pool.kernel
    weight = torch.zeros(pool.shape[0], 1, start + height, start + width, dtype=torch.float64)
    weight[..., start:, start:] = 1 / pool.divisor
    return Convolution(
        name=pool.name,
        inputs=pool.inputs,
        shape=pool.shape,
        weight=weight,
        bias=None,
        stride=pool.stride,
        padding=(pool.padding[0] + start, pool.padding[1] + start),
        groups=pool.shape[0],
    )


def _square(node: Convolution) -> tuple[Tensor, Size]:
    """Weight and padding with a square kernel, by which NIR infers shapes: zeros around it."""
    kernel = node.weight.shape[2:]
    missing = [max(kernel) - side for side in kernel]
    if any(number % 2 for number in missing):
        raise refusal(f"{node.name}: a convolution with a kernel of {kernel[0]}x{kernel[1]}")
    height, width = (number // 2 for number in missing)
    padding = (
        node.padding[0] + height * node.dilation[0],
        node.padding[1] + width * node.dilation[1],
    )
    return F.pad(node.weight, (width, width, height, height)), padding


def _without_groups(weight: Tensor, groups: int) -> Tensor:
    """A dense weight ``[out, in, k, k]``: zeros between channels of different groups."""
    if groups == 1:
        return weight
    outputs, inputs = len(weight) // groups, weight.shape[1]
    dense = weight.new_zeros(len(weight), groups * inputs, *weight.shape[2:])
    for group in range(groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        dense[rows, group * inputs : (group + 1) * inputs] = weight[rows]
    return dense
