"""What took long to read is kept once on disk, and read only if it is whole and still right."""

import hashlib
import json
import logging
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock

from autosnn_nni.data.folders import own_folder
from autosnn_nni.data.images import Images
from autosnn_nni.data.mapped import Mapped
from autosnn_nni.errors import UserError
from autosnn_nni.files import clear_temporaries, write_whole_with

_LOG = logging.getLogger(__name__)
_FORMAT = 1
_MEND = "free some space, or set HOME to a folder that can be written"

Parts = tuple[Images, Images]

#: Reads training and test images; it may put large files into the folder, which is deleted later.
Build = Callable[[Path], Parts]


def cached(
    name: str, variant: str, place: Path | None, source: Mapping[str, int], build: Build
) -> Parts:
    """What ``build`` returns, from the file that an earlier call for the same data has kept.

    ``variant`` and ``place``, where the data lie, tell apart the files of the data set ``name``;
    ``source`` are names and sizes of what ``build`` reads. A file that is damaged, foreign or of
    another source is built anew. Raises :class:`UserError` when it can't be written.
    """
    key = "-".join([variant, *([_digest(str(place.resolve()))[:12]] if place else [])])
    path = own_folder(name) / f"{key}.pt"
    fingerprint = _digest(json.dumps([_FORMAT, variant, dict(source)], sort_keys=True))
    if not _is_whole(path, fingerprint):
        _LOG.info("preparing %s once; it will be kept in %s", name, path)
        with _alone(path.parent) as scratch:
            if not _is_whole(path, fingerprint):  # another process may have made it meanwhile
                if path.exists():
                    _LOG.warning("%s is damaged or of other data; it is made anew", path)
                _write(path, fingerprint, build(scratch))
    return _read(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_whole(path: Path, fingerprint: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:  # torch.save writes one, with checksums
            damaged = archive.testzip()
        content = torch.load(path, mmap=True, weights_only=True)
        return damaged is None and dict(content)["fingerprint"] == fingerprint
    except Exception:  # nothing lies there, or anything
        return False


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """An empty folder inside ``folder`` while no other process has one there."""
    scratch = folder / ".scratch"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            shutil.rmtree(scratch, ignore_errors=True)  # what a killed process has left
            clear_temporaries(folder)
            scratch.mkdir()
            try:
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write in {folder} ({error.strerror or error}); {_MEND}") from error


def _write(path: Path, fingerprint: str, parts: Parts) -> None:
    content: dict[str, object] = {"fingerprint": fingerprint}
    for part, images in zip(("train", "test"), parts, strict=True):
        content |= {part: images.images, f"{part} labels": images.labels}

    def write(temporary: Path) -> None:
        try:
            with temporary.open("wb") as file:
                torch.save(content, file)
        except RuntimeError as error:  # what torch makes of the file's own
            raise OSError(error.__context__) from error

    write_whole_with(path, write, mend=_MEND)


def _read(path: Path) -> Parts:
    content = torch.load(path, mmap=True, weights_only=True)
    train, test = (
        Images(Mapped(path, part), content[f"{part} labels"].clone()) for part in ("train", "test")
    )
    return train, test
