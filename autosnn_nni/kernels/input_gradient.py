"""The gradient of the input of a convolution."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autosnn_nni.kernels.library import Convolution, run, share
from autosnn_nni.kernels.spikes import dense_empty, ones
from autosnn_nni.kernels.weights import arrange

#: The share of neurons near their threshold up to which they are few.
_FEW = 0.08
#: Tiles of ``c/winograd.c``, and the kernels that they are for.
_TILE = 8
_TILED = (3, 5, 7)
#: The side from which on an image is worth a tile.
_HALF_TILE = 4
#: No processor's vector has more values.
_LANES = 16


def input_gradient(
    gradient: Tensor,
    weight: Tensor,
    near: Tensor | None,
    shape: Convolution,
    input_shape: Sequence[int],
) -> Tensor:
    """Of all inputs ``[T, N, C, H, W]``, given the currents' ``gradient``.

    Only those that are ``near`` their threshold need it, if these are known. If they are many, it
    is faster to do all.
    """
    if near is not None and _can_skip(near, shape):
        kernels = arrange(weight, shape)
        return _by_images("input_gradient", input_shape, shape, near, gradient, kernels)
    if _fits_tiles(shape):
        kernels = _transform(weight, shape)
        return _by_images("tiled_input_gradient", input_shape, shape, gradient, kernels)
    return _by_torch(gradient, weight, shape, input_shape)


def _by_images(name: str, input_shape: Sequence[int], *arguments: Any) -> Tensor:
    out = dense_empty(input_shape, arguments[-1].dtype)
    share(name, out.dtype, input_shape[0] * input_shape[1], *arguments, out)
    return out


def _can_skip(near: Tensor, shape: Convolution) -> bool:
    """Whether the neurons near their threshold can be done alone, and are few."""
    neurons = near[..., 0].numel() * shape.channels
    return shape.stride == 1 and shape.groups == 1 and ones(near) <= _FEW * neurons


def _fits_tiles(shape: Convolution) -> bool:
    """Whether the gradient can be made in tiles, and is faster than torch's."""
    if shape.stride > 1 or shape.groups > 1 or min(shape.height, shape.width) < _HALF_TILE:
        return False
    return shape.kernel_height == shape.kernel_width and shape.kernel_width in _TILED


def _transform(weight: Tensor, shape: Convolution) -> Tensor:
    """The kernels at the positions of a tile."""
    channels = -(-shape.channels // _LANES) * _LANES
    kernels = weight.new_empty(_TILE * _TILE * shape.outputs * channels)
    weight = weight.detach().permute(0, 2, 3, 1).contiguous()
    run("transform_kernels", weight.dtype, shape, weight, kernels)
    return kernels


def _by_torch(
    gradient: Tensor, weight: Tensor, shape: Convolution, input_shape: Sequence[int]
) -> Tensor:
    timesteps, samples, channels, height, width = input_shape
    rows = _seen(height, shape.out_height, shape.kernel_height, shape.stride, shape.top)
    columns = _seen(width, shape.out_width, shape.kernel_width, shape.stride, shape.left)
    like = torch.empty(
        *(timesteps * samples, channels, rows, columns),
        dtype=weight.dtype,
        device="cpu",
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
