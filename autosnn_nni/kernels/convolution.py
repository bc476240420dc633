"""Convolution of spikes by the kernels, with gradients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from autosnn_nni.kernels.library import Convolution, processor, run, share
from autosnn_nni.kernels.spikes import Spikes, dense, dense_empty, ones

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

    ``shape`` is that of its currents ``[T, N, outputs, ...]``.
    """

    spikes: Spikes
    weight: Tensor
    convolution: Convolution
    shape: tuple[int, ...]

    def currents(self) -> Tensor:
        """Do it."""
        currents: Tensor = _Convolve.apply(self, self.spikes, self.weight)
        return currents

    def prepared(self) -> tuple[int, Tensor]:
        """The way of the convolution that is the fastest, and the weights as it needs them."""
        shape, kernels = self.convolution, _arrange(self.weight, self.convolution)
        way = _way(shape, kernels, self.spikes)
        if way in (_LOOKUP, _WINDOW):
            kernels = _tabulate(shape, way, kernels)
        return way, kernels


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
    outputs, _, *kernel_size = weight.shape
    sizes = (*spikes.shape[2:], outputs, *size, *kernel_size)
    convolution = Convolution(*sizes, stride, padding, padding, groups)
    return Convolved(spikes, weight, convolution, (*spikes.shape[:2], outputs, *size))


def connect(spikes: Spikes, weight: Tensor) -> Convolved:
    """Connect spikes ``[T, N, C, H, W]`` fully to currents ``[T, N, outputs]``.

    ``weight`` is torch's ``[outputs, C H W]``: a convolution whose kernel is as large as the image.
    """
    kernels = weight.unflatten(1, spikes.shape[2:])
    convolved = convolve(spikes, kernels, (1, 1))
    return replace(convolved, shape=convolved.shape[:3])


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
            of_spikes = _input_gradient(gradient, weight, near, ctx.shape, ctx.spikes_shape)
        if ctx.needs_input_grad[2]:
            of_weight = _weight_gradient(bits, gradient, weight, ctx.shape)
        return None, of_spikes, of_weight


def _tabulate(shape: Convolution, way: int, kernels: Tensor) -> Tensor:
    """The sums of the weights of every eight neurons."""
    table = kernels.new_empty(_table_size(shape))
    run("tabulate", kernels.dtype, shape, way, kernels, table)
    return table


def _table_size(shape: Convolution) -> int:
    kernel_size = shape.kernel_height * shape.kernel_width * shape.outputs
    return int(-(-shape.channels // 8) * 256 * kernel_size)


def _way(shape: Convolution, kernels: Tensor, spikes: Spikes) -> int:
    """The way that was found to be the fastest."""
    if shape.groups > 1:
        return _TAPS
    table = _table_size(shape) * kernels.element_size()
    if shape.stride > 1 or table > _MAX_TABLE:
        return _GATHER
    is_wide = shape.outputs >= _WIDE
    bound = _DENSE[shape.kernel_width][is_wide] if shape.kernel_width in _DENSE else 1.0
    if shape.outputs % 8 == 0 and spikes.density() > bound:
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
    way = _way_of_weights(shape)
    parts = weight.new_zeros(max(1, min(_PARTS, images)), weight.numel())
    own = shape, way, bits, gradient, parts, images, len(parts)
    share("weight_gradient", weight.dtype, len(parts), *own)
    arranged = parts.sum(0).view(groups, inputs, height, width, outputs // groups)
    return arranged.permute(0, 4, 1, 2, 3).flatten(0, 1).flip(-1)


def _way_of_weights(shape: Convolution) -> int:
    if shape.groups > 1 or shape.stride > 1:
        return _TAPS
    taps = shape.kernel_height * shape.kernel_width
    is_small = shape.height * shape.width < _FEW_PIXELS * taps
    return _PIXELS if is_small else _STRIPS


def _input_gradient(
    gradient: Tensor,
    weight: Tensor,
    near: Tensor | None,
    shape: Convolution,
    input_shape: Sequence[int],
) -> Tensor:
    """Of all inputs by torch, as the gradient of the currents is dense, or of those ``near``."""
    if near is None or shape.stride > 1 or shape.groups > 1 or _is_dense(near, shape):
        return _dense_input_gradient(gradient, weight, shape, input_shape)
    out = dense_empty(input_shape, weight.dtype)
    kernels = _arrange(weight, shape)
    images = input_shape[0] * input_shape[1]
    share("input_gradient", weight.dtype, images, shape, near, gradient, kernels, out)
    return out


def _is_dense(near: Tensor, shape: Convolution) -> bool:
    """Whether so many neurons are near their threshold that torch is faster."""
    neurons = near[..., 0].numel() * shape.channels
    return ones(near) > neurons * (0.2 if processor() == "avx512" else 0.33)


def _dense_input_gradient(
    gradient: Tensor, weight: Tensor, shape: Convolution, input_shape: Sequence[int]
) -> Tensor:
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
