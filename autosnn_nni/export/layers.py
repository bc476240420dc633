"""What node of a graph a layer becomes."""

from functools import singledispatch
from typing import Any

import torch
from spikingjelly.activation_based import neuron
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from autosnn_nni.export.graph import Affine, Convolution, Dense, MaxPool, Neurons, Node, SumPool
from autosnn_nni.export.tracing import refusal
from autosnn_nni.search_spaces.firing import is_watched
from autosnn_nni.search_spaces.layers import Pointwise
from autosnn_nni.search_spaces.neurons import IF, LIF, PLIF

#: Whose layers do what their class says. One of a user's own may do anything in its forward.
_PACKAGES = ("torch", "spikingjelly", "autosnn_nni")
#: Neurons of which the equations are known; there are others among their subclasses.
_NEURONS = (PLIF, LIF, IF, neuron.ParametricLIFNode, neuron.LIFNode, neuron.IFNode)

#: The kind of a node, and its own fields.
Made = tuple[type[Node], dict[str, Any]]


def node_of(layer: nn.Module, size: tuple[int, ...]) -> Made:
    """The node of a layer whose inputs have the given ``size``.

    Raises :class:`UserError` for layers that are not known.
    """
    if type(layer).__module__.partition(".")[0] not in _PACKAGES:
        raise refusal(f"{type(layer).__name__}, a layer of your own,")
    if is_watched(layer):
        raise refusal(f"{type(layer).__name__} with a hook")
    return _node_of(layer, size)


@singledispatch
def _node_of(layer: nn.Module, size: tuple[int, ...]) -> Made:
    raise refusal(type(layer).__name__)


@_node_of.register
def _(layer: nn.Conv2d, size: tuple[int, ...]) -> Made:
    stride = layer.pixels if isinstance(layer, Pointwise) else layer.stride
    return Convolution, {
        "weight": _double(layer.weight),
        "bias": None if layer.bias is None else _double(layer.bias),
        "stride": _pair(stride),
        "padding": _padding(layer),
        "dilation": _pair(layer.dilation),
        "groups": layer.groups,
    }


def _padding(layer: nn.Conv2d) -> tuple[int, int]:
    left, right, top, bottom = layer._reversed_padding_repeated_twice
    if layer.padding_mode != "zeros" or (left, top) != (right, bottom):
        raise refusal(f"a convolution with the padding {layer.padding_mode}, {layer.padding}")
    return top, left


@_node_of.register
def _(layer: nn.Linear, size: tuple[int, ...]) -> Made:
    bias = None if layer.bias is None else _double(layer.bias)
    return Dense, {"weight": _double(layer.weight), "bias": bias}


@_node_of.register
def _(layer: _BatchNorm, size: tuple[int, ...]) -> Made:
    if layer.running_mean is None or layer.running_var is None:
        raise refusal("batch norm without running statistics")
    scale = (_double(layer.running_var) + layer.eps).rsqrt()
    shift = -_double(layer.running_mean) * scale
    if layer.affine:
        scale, shift = scale * _double(layer.weight), shift * _double(layer.weight)
        shift = shift + _double(layer.bias)
    return Affine, {"scale": scale, "shift": shift}


@_node_of.register
def _(layer: nn.MaxPool2d, size: tuple[int, ...]) -> Made:
    if _pair(layer.dilation) != (1, 1):
        raise refusal("a max-pool with dilation")
    return MaxPool, _windows(layer)


@_node_of.register
def _(layer: nn.AvgPool2d, size: tuple[int, ...]) -> Made:
    windows = _windows(layer)
    (height, width) = windows["kernel"]
    padded = windows["padding"] != (0, 0)
    cut_off = any(
        (side + 2 * padding - kernel) % stride
        for side, kernel, stride, padding in zip(
            size[-2:], windows["kernel"], windows["stride"], windows["padding"], strict=True
        )
    )
    if layer.divisor_override is None and (
        (padded and not layer.count_include_pad) or (layer.ceil_mode and cut_off)
    ):
        raise refusal("an average over windows of different sizes")
    return SumPool, {**windows, "divisor": layer.divisor_override or height * width}


@_node_of.register
def _(layer: neuron.BaseNode, size: tuple[int, ...]) -> Made:
    leak, gain = _leak_and_gain(layer)
    if layer.v_reset is None:
        raise refusal("a neuron whose threshold is subtracted after a spike")
    # Potentials are counted from the one after a spike, which is also the first one.
    return Neurons, {"leak": leak, "gain": gain, "threshold": layer.v_threshold - layer.v_reset}


def _leak_and_gain(layer: Any) -> tuple[float, float]:
    if type(layer) not in _NEURONS:
        raise refusal(f"{type(layer).__name__}, whose equations are not those of IF, LIF or PLIF,")
    if isinstance(layer, neuron.IFNode):
        return 0.0, 1.0
    if isinstance(layer, neuron.ParametricLIFNode):
        leak = float(_double(layer.w).sigmoid())
    else:
        leak = 1 / float(layer.tau)
    return leak, leak if layer.decay_input else 1.0


def _windows(layer: nn.MaxPool2d | nn.AvgPool2d) -> dict[str, Any]:
    sizes = {"kernel": layer.kernel_size, "stride": layer.stride, "padding": layer.padding}
    return {name: _pair(size) for name, size in sizes.items()}


def _pair(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


def _double(weights: Tensor) -> Tensor:
    return weights.detach().to(torch.float64, copy=True)
