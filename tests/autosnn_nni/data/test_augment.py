"""Augmentation, against a loop over images."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autosnn_nni.data import (
    crop_and_flip,
    cut_out,
)


def loop_crop_and_flip(image: Tensor, padding: int, corner: list[int], flip: bool) -> Tensor:
    channels, height, width = image.shape
    padded = torch.zeros(channels, height + 2 * padding, width + 2 * padding, dtype=image.dtype)
    padded[:, padding : padding + height, padding : padding + width] = image
    top, left = corner
    cropped = padded[:, top : top + height, left : left + width]
    return cropped.flip(-1) if flip else cropped


def loop_cut_out(image: Tensor, centre: list[int]) -> Tensor:
    """DeVries & Taylor's own code, with a mask for each image."""
    _, height, width = image.shape
    half = width // 2 // 2
    mask = np.ones((height, width), np.float32)
    y1, y2 = np.clip([centre[0] - half, centre[0] + half], 0, height)
    x1, x2 = np.clip([centre[1] - half, centre[1] + half], 0, width)
    mask[y1:y2, x1:x2] = 0.0
    return image * torch.from_numpy(mask)


@settings(max_examples=30)
@given(
    batch=st.integers(1, 6),
    channels=st.sampled_from([1, 3]),
    side=st.sampled_from([8, 28, 32]),
    padding=st.integers(0, 4),
    seed=st.integers(0, 99),
)
def test_crop_and_flip_equals_the_loop(
    batch: int, channels: int, side: int, padding: int, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(1, 256, (batch, channels, side, side), generator=random).byte()
    corners = torch.randint(2 * padding + 1, (batch, 2), generator=random)
    flips = torch.rand(batch, generator=random) < 0.5
    expected = [
        loop_crop_and_flip(image, padding, corner, flip)
        for image, corner, flip in zip(images, corners.tolist(), flips.tolist(), strict=True)
    ]
    assert torch.equal(crop_and_flip(images, padding, corners, flips), torch.stack(expected))


@settings(max_examples=30)
@given(batch=st.integers(1, 6), side=st.sampled_from([8, 28, 32]), seed=st.integers(0, 99))
def test_cut_out_equals_the_loop(batch: int, side: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(batch, 3, side, side, generator=random) + 0.1
    centres = torch.randint(side, (batch, 2), generator=random)
    expected = [loop_cut_out(i, c) for i, c in zip(images, centres.tolist(), strict=True)]
    assert torch.equal(cut_out(images, centres), torch.stack(expected))


def test_a_square_inside_a_cifar_image_is_16_by_16() -> None:
    cut = cut_out(torch.ones(1, 3, 32, 32), torch.tensor([[16, 16]]))
    assert (cut == 0).sum() == 3 * 16 * 16
