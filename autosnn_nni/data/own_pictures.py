"""A user's own pictures in folders by class, as torchvision's ``ImageFolder`` reads them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autosnn_nni.data.cache import Parts, cached
from autosnn_nni.data.dataset import DataInfo, DataSource
from autosnn_nni.data.own_settings import SETTINGS
from autosnn_nni.data.pictures import Shape, opened, pixels_of
from autosnn_nni.data.tree import Tree, check_no_folder, collected, tree_of
from autosnn_nni.errors import UserError

#: What pictures are called in torchvision.
PICTURES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif")


def of_pictures(path: Path, size: int | None) -> DataSource:
    """The data set in a folder of pictures; see :func:`own_source`."""
    tree = tree_of(path, PICTURES, "pictures")
    shape = _shape_of(tree, size)
    names = tree.classes
    info = DataInfo(shape, len(names), names=names, held_out=tree.held_out, **SETTINGS)

    def read(folder: Path | None) -> Parts:
        check_no_folder(folder)

        def build(scratch: Path) -> Parts:
            train = collected(scratch, names, _decoded(tree, ("train", "val"), shape))
            return train, collected(scratch, names, _decoded(tree, ("test",), shape))

        variant = "x".join(map(str, shape))
        return cached("own", variant, tree.path, tree.stamps, build)

    return DataSource(str(tree.path), info, read)


def _shape_of(tree: Tree, size: int | None) -> Shape:
    """Channels, height and width: grey if all pictures are, and as large as they all are."""
    modes, sizes = set(), Counter[tuple[int, int]]()
    for name in tree.files():
        with opened(tree.path / name) as picture:
            modes.add(picture.mode)
            sizes[picture.size] += 1
    channels = 1 if modes <= {"L", "1", "I;16", "I"} else 3
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
    tree: Tree, parts: Sequence[str], shape: Shape
) -> Iterator[tuple[NDArray[np.uint8], int]]:
    for path, label in tree.labelled(parts):
        with opened(path) as picture:
            yield pixels_of(picture, shape), label
