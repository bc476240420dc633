"""A user's own pictures as arrays in a file of numpy.

``x_train``, ``y_train``, ``x_test`` and ``y_test``, perhaps ``x_val`` and ``y_val``: pictures uint8
``[N, H, W]`` or ``[N, H, W, C]``, and classes from 0.
"""

import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autosnn_nni.data.cache import Parts
from autosnn_nni.data.dataset import DataInfo, DataSource
from autosnn_nni.data.images import Images
from autosnn_nni.data.own_settings import SETTINGS
from autosnn_nni.data.pictures import Shape, pixels_of
from autosnn_nni.data.tree import check_no_folder
from autosnn_nni.errors import UserError


@cache
def of_arrays(path: Path, size: int | None) -> DataSource:
    """The data set in an ``.npz`` file; see :func:`own_source`."""
    arrays = _arrays(path)
    height, width, channels = arrays["x_train"].shape[1:]
    shape = (channels, size or height, size or width)
    classes = int(arrays["y_train"].max()) + 1
    info = DataInfo(
        shape,
        classes,
        names=tuple(map(str, range(classes))),
        held_out=len(arrays.get("y_val", ())),
        **SETTINGS,
    )

    def read(folder: Path | None) -> Parts:
        check_no_folder(folder)
        train = [_images(arrays, part, shape) for part in ("train", "val") if f"x_{part}" in arrays]
        pixels, labels = (torch.cat(both) for both in zip(*train, strict=True))
        return Images(pixels, labels), Images(*_images(arrays, "test", shape))

    return DataSource(str(path), info, read)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz`` file, pictures as ``[N, H, W, C]``.

    Raises :class:`UserError` for missing ones, and for those that don't fit.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no file of numpy.savez ({error})") from error
    parts = ("train", "test", *(["val"] if "x_val" in arrays or "y_val" in arrays else []))
    if missing := [f"{x}_{part}" for part in parts for x in "xy" if f"{x}_{part}" not in arrays]:
        raise UserError(f"{path} has no {', '.join(missing)}; save them with numpy.savez")
    for part in parts:
        arrays[f"x_{part}"] = _checked(arrays[f"x_{part}"], f"{path}: x_{part}")
        _check_labels(arrays[f"y_{part}"], arrays[f"x_{part}"], f"{path}: y_{part}")
    shapes = {arrays[f"x_{part}"].shape[1:] for part in parts}
    if len(shapes) > 1:
        raise UserError(f"{path} has pictures of different shapes: {sorted(shapes)}")
    known = set(arrays["y_train"].tolist())
    for part in parts:
        if other := sorted(known ^ set(arrays[f"y_{part}"].tolist())):
            raise UserError(f"{path}: y_train and y_{part} differ in the classes {other[:5]}")
    if known != set(range(len(known))) or len(known) < 2:
        raise UserError(f"{path}: y_train must have the classes 0, 1, ... and at least two")
    return arrays


def _checked(pictures: NDArray[Any], what: str) -> NDArray[Any]:
    if pictures.dtype != np.uint8:
        raise UserError(f"{what} must be uint8 from 0 to 255, not {pictures.dtype}")
    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.ndim != 4 or pictures.shape[-1] not in (1, 3) or not len(pictures):
        raise UserError(
            f"{what} must be [N, H, W], or [N, H, W, C] with 1 or 3 channels, not of the shape "
            f"{pictures.shape}"
        )
    return pictures


def _check_labels(labels: NDArray[Any], pictures: NDArray[Any], what: str) -> None:
    if labels.shape != pictures.shape[:1] or labels.dtype.kind not in "iu":
        raise UserError(
            f"{what} must have a whole number for each of {len(pictures)} pictures, not the shape "
            f"{labels.shape} of {labels.dtype}"
        )


def _images(arrays: Mapping[str, NDArray[Any]], part: str, shape: Shape) -> tuple[Tensor, Tensor]:
    pictures, labels = arrays[f"x_{part}"], torch.from_numpy(arrays[f"y_{part}"]).long()
    if pictures.shape[1:3] == shape[1:]:
        return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(), labels
    from PIL import Image  # here, because most commands read no pictures

    scaled = [pixels_of(Image.fromarray(one.squeeze()), shape) for one in pictures]
    return torch.from_numpy(np.stack(scaled)), labels
