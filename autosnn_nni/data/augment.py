"""The augmentations of A.1, on whole batches, with the random numbers as arguments."""

import torch
import torch.nn.functional as F
from torch import Tensor


def crop_and_flip(images: Tensor, padding: int, corners: Tensor, flips: Tensor) -> Tensor:
    """Pad with zeros, crop back to the same size, and mirror some images (A.1.1).

    ``images`` is ``[B, C, H, W]``; ``corners`` int64 ``[B, 2]`` holds the crops' top and left
    edges in the padded image, each from 0 to ``2 * padding``; ``flips`` is bool ``[B]``.
    """
    batch, channels, height, width = images.shape
    device = images.device
    rows = corners[:, 0, None] + torch.arange(height, device=device)
    columns = corners[:, 1, None] + torch.arange(width, device=device)
    columns = torch.where(flips[:, None], columns.flip(1), columns)
    # One gather crops and flips: the columns of a mirrored image are read from right to left.
    return F.pad(images, (padding,) * 4)[
        torch.arange(batch, device=device)[:, None, None, None],
        torch.arange(channels, device=device)[None, :, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]


def cut_out(images: Tensor, centres: Tensor) -> Tensor:
    """Fill one square per image with zeros, clipped at the borders (cutout; A.1.3).

    ``images`` is ``[B, C, H, W]`` after channel normalisation; the square's side is half of
    ``W`` (the paper's 16 at 32x32); ``centres`` int64 ``[B, 2]`` holds its row and column.
    """
    half = images.shape[-1] // 4
    rows = _near(centres[:, 0], images.shape[-2], half)
    columns = _near(centres[:, 1], images.shape[-1], half)
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


def _near(centres: Tensor, size: int, half: int) -> Tensor:
    """Mask of positions in ``[centre - half, centre + half)``: bool ``[B, size]``."""
    distance = torch.arange(size, device=centres.device) - centres[:, None]
    return (distance >= -half) & (distance < half)
