"""Tiny-ImageNet-200 as published: a tree of JPEGs, or its zip archive."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from zipfile import ZipFile

import torch
from numpy.typing import NDArray

from autosnn_nni.data.cache import cached
from autosnn_nni.data.collection import Collection
from autosnn_nni.data.folders import (
    damage_reported,
    is_hidden,
    look_into,
    natural,
    own_folder,
    stamp,
)
from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError

_TREE = "tiny-imagenet-200"
_FIX = "restore it"
_SHAPE = (3, 64, 64)


def read_tiny_imagenet(folder: Path | None) -> tuple[Images, Images]:
    """Read the training images, and the labelled val split as test images.

    ``folder`` is the tree, or contains the tree or its zip. Raises :class:`UserError` if it does
    not, and for missing or damaged files.
    """
    folder = folder or own_folder("TinyImageNet")
    place = look_into(folder, _find)
    if place is None:
        raise UserError(
            f"TinyImageNet is not in {folder}; put {_TREE}.zip there or give its folder "
            "with --data-dir"
        )
    with damage_reported(place, _FIX), _opened(place) as tree:
        return cached("TinyImageNet", "images", place, tree.stamps, tree.images)


def _find(folder: Path) -> Path | None:
    for tree in (folder, folder / _TREE):
        if (tree / "wnids.txt").is_file():
            return tree
    archives = (place / f"{_TREE}.zip" for place in (folder, folder.parent))
    return next((archive for archive in archives if archive.is_file()), None)


@contextmanager
def _opened(place: Path) -> Iterator["_Tree"]:
    if place.is_dir():
        yield _Tree(dict(_stamps(place, "")), lambda name: (place / name).read_bytes())
        return
    with ZipFile(place) as archive:
        files = (one for one in archive.infolist() if not one.is_dir())
        names = {one.filename.removeprefix(f"{_TREE}/"): one for one in files}
        yield _Tree(
            {
                name: [one.file_size, one.CRC]
                for name, one in names.items()
                if not is_hidden(PurePath(name).name)
            },
            lambda name: archive.read(names[name]),
        )


def _stamps(folder: Path, inside: str) -> Iterator[tuple[str, list[int]]]:
    """Names and stamps of all files below; one ``Path`` per file would take four times as long."""
    for entry in os.scandir(folder / inside):
        name = f"{inside}{entry.name}"
        if is_hidden(entry.name):
            continue
        if entry.is_dir():
            yield from _stamps(folder, f"{name}/")
        else:
            yield name, stamp(entry.stat())


@dataclass(frozen=True)
class _Tree:
    """Names and stamps of the published files, and a function that reads one.

    A stamp differs if the file is replaced: in a zip it has the checksum.
    """

    stamps: dict[str, list[int]]
    read: Callable[[str], bytes]

    def images(self, scratch: Path) -> tuple[Images, Images]:
        """Read all images; labels are in the order of ``wnids.txt``."""
        classes = self._text("wnids.txt").split()
        labels = {name: label for label, name in enumerate(classes)}
        train, test = Collection(scratch, classes), Collection(scratch, classes)
        for path in sorted(self.stamps, key=natural):
            match path.split("/"):
                case ["train", name, "images", _]:
                    train.add(self._image(path), labels[name])
        for line in self._text("val/val_annotations.txt").splitlines():
            image, name = line.split("\t")[:2]
            test.add(self._image(f"val/images/{image}"), labels[name])
        return train.images(), test.images()

    def _text(self, path: str) -> str:
        with damage_reported(Path(path), _FIX):
            return self.read(path).decode()

    def _image(self, path: str) -> NDArray[Any]:
        """Decode with torchvision on one thread; more threads are slower with images this small."""
        from torchvision.io import ImageReadMode, decode_jpeg  # slow to import

        with damage_reported(Path(path), _FIX):
            content = torch.frombuffer(bytearray(self.read(path)), dtype=torch.uint8)
            pixels: NDArray[Any] = decode_jpeg(content, ImageReadMode.RGB).numpy()
        if pixels.shape != _SHAPE:
            raise UserError(f"{path} has the shape {pixels.shape} instead of {_SHAPE}; restore it")
        return pixels
