"""A user's own pictures as a data set: ``--dataset PATH`` of a folder, or of a file of numpy.

A folder has ``train/CLASS/`` and ``test/CLASS/`` with pictures in any depth, as torchvision's
``ImageFolder`` reads them, and perhaps ``val/CLASS/``, which becomes D_val. A file ``.npz`` has
``x_train``, ``y_train``, ``x_test`` and ``y_test``, perhaps ``x_val`` and ``y_val``: pictures uint8
``[N, H, W]`` or ``[N, H, W, C]``, and classes from 0.
"""

import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autosnn_nni.data.cache import Parts, cached
from autosnn_nni.data.collection import Collection
from autosnn_nni.data.dataset import DataInfo, DataSource
from autosnn_nni.data.folders import is_hidden, natural, stamp
from autosnn_nni.data.images import Images
from autosnn_nni.data.pictures import Shape, opened, pixels_of
from autosnn_nni.errors import UserError

#: What pictures are called in torchvision.
_PICTURES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif")
#: Default settings: those that were measured on Fashion-MNIST.
_SETTINGS: Mapping[str, Any] = {
    "batch_size": 64,
    "schedule": "one-cycle",
    "augmentation": "none",
    "supernet_epochs": 12,
    "retrain_epochs": 10,
}


def own_source(path: Path, size: int | None) -> DataSource:
    """The data set in a folder or an ``.npz`` file; it is named by its absolute path.

    ``size`` is the side in pixels that the pictures get; by default they keep theirs.
    Raises :class:`UserError` if there is none, or one that can't be learnt from.
    """
    if size is not None and size < 1:
        raise UserError(f"--size must be at least 1, not {size}")
    if path.is_dir():
        return _of_folder(path.resolve(), size)
    if path.suffix == ".npz" and path.is_file():
        return _of_arrays(path.resolve(), size)
    raise UserError(f"{path} is neither a folder with train/ and test/ nor an .npz file")


@dataclass(frozen=True)
class _Tree:
    """The files of a folder: by part, and in it by class."""

    path: Path
    parts: Mapping[str, Mapping[str, tuple[str, ...]]]
    stamps: Mapping[str, object]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes of all parts."""
        return tuple(self.parts["train"])

    def files(self) -> Iterator[str]:
        """All pictures, by their path in the folder."""
        for part in self.parts.values():
            for files in part.values():
                yield from files


@cache
def _of_folder(path: Path, size: int | None) -> DataSource:
    tree = _tree(path)
    shape = _shape_of(tree, size)
    held_out = sum(map(len, tree.parts.get("val", {}).values()))
    info = DataInfo(shape, len(tree.classes), names=tree.classes, held_out=held_out, **_SETTINGS)

    def read(folder: Path | None) -> Parts:
        _check_no_folder(folder)

        def build(scratch: Path) -> Parts:
            train = _collected(scratch, tree.classes, _decoded(tree, ("train", "val"), shape))
            return train, _collected(scratch, tree.classes, _decoded(tree, ("test",), shape))

        variant = "x".join(map(str, shape))
        return cached("own", variant, tree.path, tree.stamps, build)

    return DataSource(str(tree.path), info, read)


def _tree(path: Path) -> _Tree:
    """The files of a folder; raises :class:`UserError` if a part or a class has none."""
    parts: dict[str, dict[str, tuple[str, ...]]] = {}
    stamps: dict[str, object] = {}
    for part in ("train", "val", "test"):
        if (path / part).is_dir():
            parts[part] = _classes_in(path, part, stamps)
        elif part != "val":
            raise UserError(f"{path} has no {part}/ with a folder of pictures for each class")
    known = parts["train"].keys()
    for part, classes in parts.items():
        if different := sorted(known ^ classes.keys(), key=natural):
            raise UserError(
                f"{path}: train/ and {part}/ differ in the classes {', '.join(different[:5])}"
            )
    if len(known) < 2:
        raise UserError(f"{path}/train has {len(known)} classes; make a folder for each of them")
    return _Tree(path, parts, stamps)


def _classes_in(path: Path, part: str, stamps: dict[str, object]) -> dict[str, tuple[str, ...]]:
    names = [one.name for one in os.scandir(path / part) if one.is_dir()]
    classes = {}
    for name in sorted((one for one in names if not is_hidden(one)), key=natural):
        files = sorted(_pictures(path / part / name), key=natural)
        if not files:
            raise UserError(f"{path / part / name} has no pictures; add some or remove it")
        inside = [os.path.relpath(file, path) for file in files]
        stamps |= {name: stamp((path / name).stat()) for name in inside}
        classes[name] = tuple(inside)
    return classes


def _pictures(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            if name.lower().endswith(_PICTURES) and not is_hidden(name):
                yield os.path.join(place, name)  # noqa: PTH118  # a path each takes long


def _shape_of(tree: _Tree, size: int | None) -> Shape:
    """Channels, height and width: grey if all pictures are, and as large as they all are."""
    modes, sizes = set(), Counter[tuple[int, int]]()
    for name in tree.files():
        with opened(tree.path / name) as picture:
            modes.add(picture.mode)
            sizes[picture.size] += 1
    channels = 1 if modes <= {"L", "1", "I;16", "I", "F"} else 3
    if size is not None:
        return channels, size, size
    (width, height), *others = (one for one, _ in sizes.most_common())
    if others:
        raise UserError(
            f"{tree.path} has pictures of {width}x{height} and of {others[0][0]}x{others[0][1]} "
            "pixels; give their side with --size"
        )
    return channels, height, width


def _decoded(
    tree: _Tree, parts: Sequence[str], shape: Shape
) -> Iterator[tuple[NDArray[np.uint8], int]]:
    for part in parts:
        for label, files in enumerate(tree.parts.get(part, {}).values()):
            for name in files:
                with opened(tree.path / name) as picture:
                    yield pixels_of(picture, shape), label


def _collected(
    folder: Path, classes: Sequence[str], pictures: Iterable[tuple[NDArray[np.uint8], int]]
) -> Images:
    collection = Collection(folder, classes)
    for pixels, label in pictures:
        collection.add(pixels, label)
    return collection.images()


def _check_no_folder(folder: Path | None) -> None:
    if folder is not None:
        raise UserError("--data-dir is of published data sets; --dataset says where yours is")


@cache
def _of_arrays(path: Path, size: int | None) -> DataSource:
    arrays = _arrays(path)
    height, width, channels = arrays["x_train"].shape[1:]
    shape = (channels, size or height, size or width)
    classes = int(arrays["y_train"].max()) + 1
    info = DataInfo(
        shape,
        classes,
        names=tuple(map(str, range(classes))),
        held_out=len(arrays.get("y_val", ())),
        **_SETTINGS,
    )

    def read(folder: Path | None) -> Parts:
        _check_no_folder(folder)
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
