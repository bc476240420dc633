"""Made-up images and data sets."""

from typing import Any

import numpy as np
import torch

from autosnn_nni.data import DataSet, Images


def pixels(count: int, *shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def numbered(count: int, classes: int = 3) -> DataSet:
    """A data set whose images carry their own number, and whose label follows from it."""
    numbers = torch.arange(count)
    images = torch.stack([numbers % 256, numbers // 256], dim=1).to(torch.uint8)
    own = Images(images[:, :, None, None].expand(-1, -1, 4, 4), numbers % classes)
    return DataSet("numbered", classes, own, own, (0.5, 0.5), (0.5, 0.5), 1, False)
