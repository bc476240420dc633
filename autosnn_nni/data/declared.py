"""Checks that a data set's reader returns what its :class:`DataInfo` declares."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from autosnn_nni.data.images import Images
from autosnn_nni.data.mapped import Mapped
from autosnn_nni.errors import UserError

_PIXELS = (torch.uint8,)
_COUNTS = (torch.uint8, torch.int16)


def check_parts(name: str, read: Any) -> tuple[Any, Any]:
    """What the reader of the data set ``name`` returned, if it is a pair."""
    if not isinstance(read, tuple | list) or len(read) != 2:
        raise UserError(
            f"data set {name}: its reader returns {_kind(read)} instead of training and test "
            "images; change the reader"
        )
    return read[0], read[1]


def as_declared(
    name: str, part: str, images: Any, shape: tuple[int, ...], classes: int, *, events: bool
) -> Images:
    """The ``part`` (training or test) of the data set ``name``, its labels converted to int64.

    ``shape`` is that of one image, or of one recording if ``events`` is set. numpy arrays become
    tensors. Raises :class:`UserError` for other types, shapes and labels.
    """
    where = f"data set {name}: {part}"
    if not isinstance(images, Images):
        raise UserError(f"{where} images are {_kind(images)} instead of Images; change the reader")
    stored = images.stored
    if not isinstance(stored, Mapped):
        stored = _as_tensor(stored, f"{where} images")
    labels = _as_tensor(images.labels, f"{where} labels")
    images = Images(stored, _as_classes(labels, where), images.rows)
    _check_pixels(images, _COUNTS if events else _PIXELS, where)
    _check_values(images, shape, classes, name)
    return images


def _as_tensor(value: Any, what: str) -> Tensor:
    """A tensor as it is, an array as a tensor with its own memory, in this machine's byte order."""
    if isinstance(value, Tensor):
        return value
    if not isinstance(value, np.ndarray):
        raise UserError(f"{what} are {_kind(value)} instead of a tensor; change the reader")
    try:
        return torch.from_numpy(value.astype(value.dtype.newbyteorder("="), order="C"))
    except TypeError:
        raise UserError(
            f"{what} are an array of {value.dtype} instead of a tensor; change the reader"
        ) from None


def _as_classes(labels: Tensor, where: str) -> Tensor:
    if labels.dtype == torch.bool or labels.is_floating_point() or labels.is_complex():
        raise UserError(f"{where} labels are {_type(labels)} instead of int64; change the reader")
    if labels.dim() != 1:
        raise UserError(
            f"{where} labels have the shape {list(labels.shape)} instead of one class per image, "
            f"[{len(labels) if labels.dim() else 1}]; change the reader"
        )
    return labels.long()


def _check_pixels(images: Images, types: tuple[torch.dtype, ...], where: str) -> None:
    tensor = images.stored.tensor if isinstance(images.stored, Mapped) else images.stored
    if tensor.dtype in types:
        return
    right = "uint8 from 0 to 255" if types == _PIXELS else "counts of events, uint8 or int16"
    raise UserError(f"{where} images are {_type(tensor)} instead of {right}; change the reader")


def _check_values(images: Images, shape: tuple[int, ...], classes: int, name: str) -> None:
    labels = images.labels
    count = len(images.images) if images.rows is None else len(images.rows)
    if not 0 < count == len(labels):
        problem = f"{count} images and {len(labels)} labels"
    elif images.shape != shape:
        problem = f"images of shape {images.shape} instead of {shape}"
    elif labels.min() < 0 or labels.max() >= classes:
        problem = f"labels outside 0 to {classes - 1}"
    else:
        return
    raise UserError(
        f"the {name} files hold {problem}; restore them or choose another folder with --data-dir"
    )


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"of type {type(value).__name__}"
