"""Max-pooling of spikes by the kernels, with gradients."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from autosnn_nni.kernels.library import Pool, share
from autosnn_nni.kernels.spikes import Spikes, dense, dense_empty


def max_pool(spikes: Spikes, kernel_size: int, stride: int, padding: int, ceil: bool) -> Spikes:
    """Max-pool spikes ``[T, N, C, H, W]``; arguments and gradients as in torch."""
    height, width = (
        _pooled(side, kernel_size, stride, padding, ceil) for side in spikes.shape[-2:]
    )
    shape = Pool(*spikes.shape[2:], height, width, kernel_size, stride, padding)
    pooled: Spikes = _MaxPool.apply(spikes, shape)
    return pooled


def _pooled(side: int, kernel_size: int, stride: int, padding: int, ceil: bool) -> int:
    room = side + 2 * padding - kernel_size
    count = (-(-room // stride) if ceil else room // stride) + 1
    # The last window must begin inside.
    return count - 1 if ceil and (count - 1) * stride >= side + padding else count


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spikes: Spikes, shape: Pool) -> Spikes:
        ctx.save_for_backward(spikes.bits)
        ctx.input_shape, ctx.shape = spikes.shape, shape
        size = (*spikes.shape[:3], shape.out_height, shape.out_width)
        pooled = Spikes.empty(size, spikes.dtype)
        near = spikes.near
        pooled.near = None if near is None else torch.empty_like(pooled.bits)
        own = shape, spikes.bits, near, pooled.bits, pooled.near
        share("pool", spikes.dtype, spikes.shape[0] * spikes.shape[1], *own)
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (bits,) = ctx.saved_tensors
        gradient = dense(gradient)
        out = dense_empty(ctx.input_shape, gradient.dtype)
        own = ctx.shape, bits, gradient, out
        share("pool_gradient", gradient.dtype, out.shape[0] * out.shape[1], *own)
        return out, None
