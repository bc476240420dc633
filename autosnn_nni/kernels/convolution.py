"""Convolution of spikes by the kernels, with gradients."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autosnn_nni.kernels.library import Convolution, kernel, parallel
from autosnn_nni.kernels.spikes import Spikes, dense, dense_empty

_LOOKUP, _WINDOW, _GATHER, _TAPS = range(4)
#: The channels of a pixel that a list of spikes has room for.
MAX_CHANNELS = 4096
#: Bytes of a table of sums of weights that the processor's caches still hold well enough.
_MAX_TABLE = 16_000_000
#: From this density of spikes on it is faster not to ask where they are.
_DENSE, _DENSE_IF_WIDE = 0.06, 0.12
#: From so many outputs on a pixel's sums are best kept in registers.
_WIDE = 64
#: The sum over images in the gradient of the weights has so many parts, whatever the number of
#: threads is, so that it is always the same.
_PARTS = 8


def convolve(
    spikes: Spikes,
    weight: Tensor,
    size: Sequence[int],
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> Tensor:
    """Convolve spikes ``[T, N, C, H, W]`` to currents ``[T, N, outputs, *size]``.

    ``weight`` is torch's ``[outputs, C / groups, k, l]``, ``padding`` that above and at the left.
    Everything outside the image is 0, so ``size`` can be any.
    """
    outputs, _, *kernel_size = weight.shape
    sizes = (*spikes.shape[2:], outputs, *size, *kernel_size)
    shape = Convolution(*sizes, stride, padding, padding, groups)
    currents: Tensor = _Convolve.apply(spikes, weight, shape)
    return currents


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spikes: Spikes, weight: Tensor, shape: Convolution) -> Tensor:
        ctx.save_for_backward(spikes.bits, weight)
        ctx.spikes_shape, ctx.shape = spikes.shape, shape
        kernels = _arrange(weight, shape)
        way = _way(shape, kernels, spikes)
        if way in (_LOOKUP, _WINDOW):
            kernels = _tabulate(shape, kernels, spikes)
        timesteps, samples = spikes.shape[:2]
        out = dense_empty(
            (timesteps, samples, shape.outputs, shape.out_height, shape.out_width), weight.dtype
        )
        run = kernel("convolve", weight.dtype)
        parallel(
            lambda first, last: run(shape, way, spikes.bits, kernels, out, first, last),
            timesteps * samples,
        )
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        bits, weight = ctx.saved_tensors
        gradient = dense(gradient)
        of_spikes = of_weight = None
        if ctx.needs_input_grad[1]:
            of_weight = _weight_gradient(bits, gradient, weight, ctx.shape)
        if ctx.needs_input_grad[0]:
            of_spikes = _input_gradient(gradient, weight, ctx.shape, ctx.spikes_shape)
        return of_spikes, of_weight, None


def _tabulate(shape: Convolution, kernels: Tensor, spikes: Spikes) -> Tensor:
    """The sums of the weights of every eight neurons."""
    kernel_size = shape.kernel_height * shape.kernel_width * shape.outputs
    table = kernels.new_empty(spikes.bits.shape[-1] * 256 * kernel_size)
    kernel("tabulate", kernels.dtype)(shape, kernels, table)
    return table


def _way(shape: Convolution, kernels: Tensor, spikes: Spikes) -> int:
    """The fastest way, by measurement: ``python -m tests.benchmarks.kernels``."""
    if shape.groups > 1:
        return _TAPS
    table = 32 * kernels.numel() * kernels.element_size()  # 256 sums for 8 neurons
    if shape.stride > 1 or table > _MAX_TABLE:
        return _GATHER
    is_wide = shape.outputs >= _WIDE
    fits = shape.kernel_width in (3, 5, 7) and shape.outputs % 8 == 0
    if fits and spikes.density() > (_DENSE_IF_WIDE if is_wide else _DENSE):
        return _WINDOW
    return _GATHER if is_wide else _LOOKUP


def _arrange(weight: Tensor, shape: Convolution) -> Tensor:
    """Weights as the kernels read them; see ``c/convolution.c``."""
    grouped = weight.detach().flip(-1).unflatten(0, (shape.groups, -1))
    return grouped.permute(0, 2, 3, 4, 1).contiguous()


def _weight_gradient(bits: Tensor, gradient: Tensor, weight: Tensor, shape: Convolution) -> Tensor:
    images = gradient.shape[0] * gradient.shape[1]
    groups = shape.groups
    outputs, inputs, height, width = weight.shape
    arranged = (groups, inputs, height, width, outputs // groups)
    parts = weight.new_zeros(min(_PARTS, images), *arranged)
    run = kernel("weight_gradient", weight.dtype)
    bounds = [images * part // len(parts) for part in range(len(parts) + 1)]

    def add(first: int, last: int) -> None:
        for part in range(first, last):
            run(shape, bits, gradient, parts[part], bounds[part], bounds[part + 1])

    parallel(add, len(parts))
    return parts.sum(0).permute(0, 4, 1, 2, 3).flatten(0, 1).flip(-1)


def _input_gradient(
    gradient: Tensor, weight: Tensor, shape: Convolution, input_shape: Sequence[int]
) -> Tensor:
    """By torch: the gradient of the currents is dense."""
    timesteps, samples, channels, height, width = input_shape
    rows = _seen(height, shape.out_height, shape.kernel_height, shape.stride, shape.top)
    columns = _seen(width, shape.out_width, shape.kernel_width, shape.stride, shape.left)
    like = torch.empty(
        *(timesteps * samples, channels, rows, columns),
        dtype=weight.dtype,
        memory_format=torch.channels_last,
    )
    whole, _, _ = torch.ops.aten.convolution_backward(
        gradient.flatten(0, 1),
        like,
        weight,
        None,
        [shape.stride, shape.stride],
        [shape.top, shape.left],
        [1, 1],
        False,
        [0, 0],
        shape.groups,
        [True, False, False],
    )
    if (rows, columns) != (height, width):
        whole = F.pad(whole, (0, width - columns, 0, height - rows))  # or cropped
    return whole.unflatten(0, (timesteps, samples))


def _seen(side: int, outputs: int, kernel_side: int, stride: int, padding: int) -> int:
    """The side of an image, padded on both sides, with these outputs; the closest to ``side``."""
    least = (outputs - 1) * stride + kernel_side - 2 * padding
    return min(max(side, least), least + stride - 1)
