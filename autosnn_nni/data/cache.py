"""Disk cache of data that is slow to read; entries are validated before they are used."""

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
_FORMAT = 2  # raised whenever older caches could hold wrong images
_FIX = "free some space, or set HOME to a folder that can be written"

Parts = tuple[Images, Images]

#: Reads training and test images; it may put large files into the folder, which is deleted
#: afterwards.
Build = Callable[[Path], Parts]


def cached(
    name: str, variant: str, place: Path | None, source: Mapping[str, object], build: Build
) -> Parts:
    """Return what ``build`` returns, from the cache file if there is a valid one.

    A data set ``name`` has one cache file per ``variant`` and ``place`` (the folder or archive of
    the data). ``source`` maps the names of the files that ``build`` reads to their stamps. A cache
    file that is damaged, foreign or of another source is built again. Raises :class:`UserError` if
    it can't be written.
    """
    key = "-".join([variant, *([_digest(str(place.resolve()))[:12]] if place else [])])
    path = own_folder(name) / f"{key}.pt"
    fingerprint = _digest(json.dumps([_FORMAT, variant, dict(source)], sort_keys=True))
    if not _is_valid(path, fingerprint):
        _LOG.info("preparing %s; it will be cached in %s", name, path)
        with _locked_scratch(path.parent) as scratch:
            if not _is_valid(path, fingerprint):  # another process may have made it
                if path.exists():
                    _LOG.warning(
                        "%s is damaged or of other data or of an earlier version; it is made again",
                        path,
                    )
                _write(path, fingerprint, build(scratch))
    return _read(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_valid(path: Path, fingerprint: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:  # torch.save writes a zip with checksums
            damaged = archive.testzip()
        content = torch.load(path, mmap=True, weights_only=True)
        return damaged is None and dict(content)["fingerprint"] == fingerprint
    except Exception:  # missing or not such a file
        return False


@contextmanager
def _locked_scratch(folder: Path) -> Iterator[Path]:
    """Lock ``folder`` and provide an empty folder inside it."""
    scratch = folder / ".scratch"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            shutil.rmtree(scratch, ignore_errors=True)  # left by a killed process
            clear_temporaries(folder)
            scratch.mkdir()
            try:
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write in {folder} ({error.strerror or error}); {_FIX}") from error


def _write(path: Path, fingerprint: str, parts: Parts) -> None:
    content: dict[str, object] = {"fingerprint": fingerprint}
    for part, images in zip(("train", "test"), parts, strict=True):
        content |= {part: images.images, f"{part} labels": images.labels}

    def write(temporary: Path) -> None:
        try:
            with temporary.open("wb") as file:
                torch.save(content, file)
        except RuntimeError as error:  # torch's, raised from the OSError of the file
            raise OSError(error.__context__) from error

    write_whole_with(path, write, fix=_FIX)


def _read(path: Path) -> Parts:
    content = torch.load(path, mmap=True, weights_only=True)
    train, test = (
        Images(Mapped(path, part), content[f"{part} labels"].clone()) for part in ("train", "test")
    )
    return train, test
