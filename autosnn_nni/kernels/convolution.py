"""Convolution of spikes by the kernels, with gradients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from autosnn_nni.kernels.input_gradient import input_gradient
from autosnn_nni.kernels.library import Convolution, run, share
from autosnn_nni.kernels.spikes import Spikes, dense, dense_empty
from autosnn_nni.kernels.weights import prepare, table_size

_LOOKUP, _WINDOW, _GATHER, _TAPS = range(4)
_STRIPS, _PIXELS = range(2)
#: The channels of a pixel that a list of spikes has room for; see ``c/spikes.c``.
_MAX_CHANNELS = 4096
#: Bytes of a table of sums of weights that the processor's caches still hold well enough.
_MAX_TABLE = 16_000_000
#: Images with fewer pixels for each of a kernel's are small.
_FEW_PIXELS = 4
#: By a kernel's width, the density of spikes from which on it is faster not to ask where they are:
#: for narrow outputs, and for wide ones.
_DENSE = {1: (0.0, 0.0), 3: (0.04, 0.15), 5: (0.07, 0.25), 7: (0.08, 0.25)}
#: From so many outputs on a pixel's sums are best kept in registers.
_WIDE = 64
#: The sum over images in the gradient of the weights has so many parts, whatever the number of
#: threads is, so that it is always the same.
_PARTS = 8


@dataclass(frozen=True)
class Convolved:
    """A convolution of spikes ``[T, N, C, H, W]`` that is still to be done.

    ``shape`` is that of its currents ``[T, N, outputs, ...]``; ``weight`` is the layer's.
    """

    spikes: Spikes
    weight: Tensor
    convolution: Convolution
    shape: tuple[int, ...]

    def currents(self) -> Tensor:
        """Do it."""
        shape = self.convolution
        kernels = self.weight.reshape(shape.outputs, -1, shape.kernel_height, shape.kernel_width)
        currents: Tensor = _Convolve.apply(self, self.spikes, kernels)
        return currents

    def prepared(self) -> tuple[int, Tensor]:
        """The way of the convolution that is the fastest, and the weights as it needs them."""
        way = _way(self.convolution, self.weight, self.spikes)
        return way, prepare(self.weight, self.convolution, way, table=way in (_LOOKUP, _WINDOW))


def can_convolve(x: Tensor) -> TypeGuard[Spikes]:
    """Whether ``x`` are spikes that :func:`convolve` and :func:`connect` take."""
    return isinstance(x, Spikes) and x.shape[2] <= _MAX_CHANNELS


def convolve(
    spikes: Spikes,
    weight: Tensor,
    size: Sequence[int],
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> Convolved:
    """Convolve spikes ``[T, N, C, H, W]`` to currents ``[T, N, outputs, *size]``.

    ``weight`` is torch's ``[outputs, C / groups, k, l]``, ``padding`` that above and at the left.
    Everything outside the image is 0, so ``size`` can be any.
    """
    outputs, inputs, *kernel_size = weight.shape
    if spikes.shape[2] != inputs * groups:
        raise ValueError(
            f"weights {list(weight.shape)} in {groups} groups don't fit spikes {list(spikes.shape)}"
        )
    sizes = (*spikes.shape[2:], outputs, *size, *kernel_size)
    convolution = Convolution(*sizes, stride, padding, padding, groups)
    return Convolved(spikes, weight, convolution, (*spikes.shape[:2], outputs, *size))


def connect(spikes: Spikes, weight: Tensor) -> Convolved:
    """Connect spikes ``[T, N, C, H, W]`` fully to currents ``[T, N, outputs]``.

    ``weight`` is torch's ``[outputs, C H W]``: a convolution whose kernel is as large as the image.
    """
    size, (outputs, inputs) = spikes.shape[2:], weight.shape
    if inputs != math.prod(size):
        raise ValueError(f"weights for {inputs} inputs don't fit spikes {list(spikes.shape)}")
    convolution = Convolution(*size, outputs, 1, 1, *size[1:], 1, 0, 0, 1)
    return Convolved(spikes, weight, convolution, (*spikes.shape[:2], outputs))


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, convolved: Convolved, spikes: Spikes, weight: Tensor) -> Tensor:
        ctx.save_for_backward(spikes.bits, weight, spikes.near)
        ctx.spikes_shape, ctx.shape = spikes.shape, convolved.convolution
        way, kernels = convolved.prepared()
        out = dense_empty(convolved.shape, weight.dtype)
        images = spikes.shape[0] * spikes.shape[1]
        share("convolve", weight.dtype, images, ctx.shape, way, spikes.bits, kernels, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        bits, weight, near = ctx.saved_tensors
        gradient = dense(gradient)
        if gradient.dim() == 3:
            gradient = gradient[..., None, None]
        of_spikes = of_weight = None
        if ctx.needs_input_grad[1]:
            of_spikes = input_gradient(gradient, weight, near, ctx.shape, ctx.spikes_shape)
        if ctx.needs_input_grad[2]:
            of_weight = _weight_gradient(bits, gradient, weight, ctx.shape)
        return None, of_spikes, of_weight


def _way(shape: Convolution, weight: Tensor, spikes: Spikes) -> int:
    """The way that was found to be the fastest."""
    if shape.groups > 1:
        return _TAPS
    table = table_size(shape) * weight.element_size()
    if shape.stride > 1 or table > _MAX_TABLE:
        return _GATHER
    is_wide = shape.outputs >= _WIDE
    bound = _DENSE[shape.kernel_width][is_wide] if shape.kernel_width in _DENSE else 1.0
    if shape.outputs % 8 == 0 and spikes.density() > bound:
        return _WINDOW
    return _GATHER if is_wide else _LOOKUP


def _weight_gradient(bits: Tensor, gradient: Tensor, weight: Tensor, shape: Convolution) -> Tensor:
    images = gradient.shape[0] * gradient.shape[1]
    parts = weight.new_empty(max(1, min(_PARTS, images)), weight.numel())
    own = shape, _way_of_weights(shape), bits, gradient, parts, images, len(parts)
    share("weight_gradient", weight.dtype, len(parts), *own)
    out = torch.empty_like(weight, memory_format=torch.contiguous_format)
    run("collect", weight.dtype, shape, parts, len(parts), out)
    return out


def _way_of_weights(shape: Convolution) -> int:
    if shape.groups > 1 or shape.stride > 1:
        return _TAPS
    taps = shape.kernel_height * shape.kernel_width
    is_small = shape.height * shape.width < _FEW_PIXELS * taps
    return _PIXELS if is_small else _STRIPS
