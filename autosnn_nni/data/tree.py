"""A user's own files in folders by part and by class: ``train/CLASS/``, ``test/CLASS/``, ..."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from autosnn_nni.data.collection import Collection
from autosnn_nni.data.folders import is_hidden, natural, stamp
from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError


@dataclass(frozen=True)
class Tree:
    """The files of a folder: by part, and in it by class; ``what`` they are."""

    path: Path
    what: str
    parts: Mapping[str, Mapping[str, tuple[str, ...]]]
    stamps: Mapping[str, object]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes of all parts."""
        return tuple(self.parts["train"])

    @property
    def held_out(self) -> int:
        """The number of files that become D_val."""
        return sum(map(len, self.parts.get("val", {}).values()))

    def files(self) -> Iterator[str]:
        """All files, by their path in the folder."""
        for part in self.parts.values():
            for files in part.values():
                yield from files

    def labelled(self, parts: Sequence[str]) -> Iterator[tuple[Path, int]]:
        """The files of some parts and the number of their class."""
        for part in parts:
            for label, files in enumerate(self.parts.get(part, {}).values()):
                for name in files:
                    yield self.path / name, label


def tree_of(path: Path, suffixes: Sequence[str], what: str) -> Tree:
    """The files of a folder; raises :class:`UserError` if a part or a class has none."""
    parts: dict[str, dict[str, tuple[str, ...]]] = {}
    stamps: dict[str, object] = {}
    for part in ("train", "val", "test"):
        if (path / part).is_dir():
            parts[part] = _classes_in(path, part, suffixes, what, stamps)
        elif part != "val":
            raise UserError(f"{path} has no {part}/ with a folder of {what} for each class")
    known = parts["train"].keys()
    for part, classes in parts.items():
        if different := sorted(known ^ classes.keys(), key=natural):
            raise UserError(
                f"{path}: train/ and {part}/ differ in the classes {', '.join(different[:5])}"
            )
    if len(known) < 2:
        raise UserError(f"{path}/train has {len(known)} classes; make a folder for each of them")
    return Tree(path, what, parts, stamps)


def _classes_in(
    path: Path, part: str, suffixes: Sequence[str], what: str, stamps: dict[str, object]
) -> dict[str, tuple[str, ...]]:
    names = [one.name for one in os.scandir(path / part) if one.is_dir()]
    classes = {}
    for name in sorted((one for one in names if not is_hidden(one)), key=natural):
        files = sorted(files_in(path / part / name, suffixes), key=natural)
        if not files:
            raise UserError(f"{path / part / name} has no {what}; add some or remove it")
        inside = [os.path.relpath(file, path) for file in files]
        stamps |= {name: stamp((path / name).stat()) for name in inside}
        classes[name] = tuple(inside)
    return classes


def files_in(folder: Path, suffixes: Sequence[str]) -> Iterator[str]:
    """The files with one of these endings, in any depth, also in linked folders."""
    for place, names in _folders(os.fspath(folder), frozenset()):
        for name in names:
            if name.lower().endswith(tuple(suffixes)) and not is_hidden(name):
                yield os.path.join(place, name)  # noqa: PTH118  # a path each takes long


def _folders(folder: str, above: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """A folder and those in it, with their files; a link that leads back is not followed.

    ``above`` are the real paths of the folders on the way.
    """
    real = os.path.realpath(folder)
    if real in above:
        return
    for place, folders, names in islice(os.walk(folder), 1):
        yield place, names
        for name in folders:
            yield from _folders(os.path.join(place, name), above | {real})  # noqa: PTH118


def collected(
    folder: Path, classes: Sequence[str], images: Iterable[tuple[NDArray[Any], int]]
) -> Images:
    """Images and their classes, collected in a file in ``folder``."""
    collection = Collection(folder, classes)
    for image, label in images:
        collection.add(image, label)
    return collection.images()


def check_no_folder(folder: Path | None) -> None:
    """Raise :class:`UserError` for a folder of data, which own data have not."""
    if folder is not None:
        raise UserError("--data-dir is of published data sets; --dataset says where yours is")
