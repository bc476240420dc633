"""Convolution of images, which is torch's; only the sums over images are made in a fixed order."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def convolve_images(
    images: Tensor, weight: Tensor, stride: int, padding: int, groups: int
) -> Tensor:
    """Convolve ``[N, C, H, W]``; the images get no gradient.

    Torch's gradient of the weights has a part of the sum over images for each thread, so it differs
    with their number. Here it is computed on a single thread; it is a small part of a network's
    time, as only the first layer sees images.
    """
    currents: Tensor = _Convolve.apply(images, weight, stride, padding, groups)
    return currents


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, stride: int, padding: int, groups: int
    ) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.shape = stride, padding, groups
        return F.conv2d(images, weight, stride=stride, padding=padding, groups=groups)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        images, weight = ctx.saved_tensors
        stride, padding, groups = ctx.shape
        with _one_thread():
            _, of_weight, _ = torch.ops.aten.convolution_backward(
                *(gradient, images, weight, None),
                *([stride, stride], [padding, padding], [1, 1], False, [0, 0], groups),
                [False, True, False],
            )
        return None, of_weight, None, None, None


@contextmanager
def _one_thread() -> Iterator[None]:
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)
