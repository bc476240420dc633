"""NIR by its equations in numpy, timestep by timestep: nothing of the package, nothing of torch."""

from graphlib import TopologicalSorter
from typing import Any

import nir
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = Any


def run(graph: nir.NIRGraph, frames: Array, dt: float) -> dict[str, Array]:
    """The outputs ``[T, ...]`` of all nodes for an image's frames ``[T, C, H, W]``."""
    inputs: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for source, target in graph.edges:
        inputs[target].append(source)
    order = list(TopologicalSorter(inputs).static_order())
    potentials: dict[str, Array] = {}
    outputs: dict[str, list[Array]] = {name: [] for name in order}
    for frame in frames:
        for name in order:
            total = sum(outputs[one][-1] for one in inputs[name]) if inputs[name] else frame
            outputs[name].append(step(name, graph.nodes[name], total, potentials, dt))
    return {name: np.stack(values) for name, values in outputs.items()}


def step(name: str, node: Any, x: Array, potentials: dict[str, Array], dt: float) -> Array:
    """A node's output at one timestep."""
    kind = type(node).__name__
    if kind in ("Input", "Output"):
        return x
    if kind == "Flatten":
        return x.reshape(-1)
    if kind in ("Linear", "Affine"):
        return node.weight @ x + getattr(node, "bias", 0)
    if kind == "Conv2d":
        assert node.groups == 1
        found = windows(x, node.weight.shape[2:], node.stride, node.padding, node.dilation)
        return np.einsum("chwij,ocij->ohw", found, node.weight) + node.bias[:, None, None]
    if kind in ("SumPool2d", "AvgPool2d"):
        total = windows(x, node.kernel_size, node.stride, node.padding).sum((-2, -1))
        return total / np.prod(node.kernel_size) if kind == "AvgPool2d" else total
    v = potentials.get(name, np.zeros_like(x))
    if kind == "IF":
        v = v + dt * node.r * x
    else:
        assert kind == "LIF"
        v = v + dt / node.tau * (node.v_leak - v + node.r * x)
    spikes = v > node.v_threshold
    potentials[name] = np.where(spikes, node.v_reset, v)
    return spikes.astype(x.dtype)


def windows(x: Array, kernel: Any, stride: Any, padding: Any, dilation: Any = (1, 1)) -> Array:
    """``[C, H', W', height, width]`` of ``[C, H, W]``."""
    (top, left), (down, right) = padding, stride
    x = np.pad(x, ((0, 0), (top, top), (left, left)))
    reach = [(size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True)]
    found = sliding_window_view(x, reach, axis=(1, 2))[:, ::down, ::right]
    return found[..., :: dilation[0], :: dilation[1]]
