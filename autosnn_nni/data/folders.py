"""Folders of data sets: finding and downloading files, and reporting damaged ones."""

import errno
import io
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from autosnn_nni.errors import UserError

Found = TypeVar("Found")

_LOG = logging.getLogger(__name__)
_TIMEOUT = 20.0  # seconds without an answer, for firewalls that drop packets
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def own_folder(name: str) -> Path:
    """The default folder of the data set ``name``."""
    return Path.home() / ".cache" / "autosnn-nni" / name


def natural(name: str) -> tuple[str | int, ...]:
    """Sort key that orders numbers in names numerically: 2 before 10."""
    return tuple(int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name))


def is_hidden(name: str) -> bool:
    """Whether the file ``name`` belongs to a desktop (``.DS_Store``, ``._x``, ``Thumbs.db``)."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def stamp(status: os.stat_result) -> list[int]:
    """Size in bytes and time of the last change of a file, which differ if it is replaced."""
    return [status.st_size, status.st_mtime_ns]


def check_unused(folder: Path | None) -> None:
    """Raise :class:`UserError` for a missing folder of a data set that needs none."""
    if folder is not None and not folder.is_dir():
        raise UserError(f"{folder} is not a folder; leave out --data-dir or correct it")


def look_into(folder: Path, find: Callable[[Path], Found]) -> Found:
    """Return ``find(folder)``; raises :class:`UserError` for a folder that can't be used."""
    try:
        found, usable = find(folder), folder.is_dir() or not folder.exists()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be read ({error.strerror}); choose another folder with --data-dir"
        ) from error
    if not usable:
        raise UserError(f"{folder} is not a folder; give the data's folder with --data-dir")
    return found


@contextmanager
def downloading(name: str, folder: Path) -> Iterator[Path]:
    """Provide a temporary folder near ``folder``, to download to and move complete files from.

    Nothing is printed, and partial files are deleted. Raises :class:`UserError` on failure.
    """
    _LOG.info("downloading %s to %s", name, folder)
    try:
        existing = next(path for path in (folder, *folder.parents) if path.is_dir())
        temporary = TemporaryDirectory(dir=existing, prefix=".download-")
        with temporary as staging, silence(), _time_limit():
            yield Path(staging)
    except (OSError, RuntimeError, HTTPException) as error:
        raise UserError(
            f"{name} is not in {folder} and could not be downloaded ({_reason(error)}); "
            "put its files there or give their folder with --data-dir"
        ) from error


@contextmanager
def damage_reported(
    place: Path, fix: str = "restore it, or delete it to have it downloaded again"
) -> Iterator[None]:
    """Report any error of a damaged pickle, archive or mat file as a one-line :class:`UserError`.

    ``fix`` tells the user what to do.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise UserError(f"no space left to unpack {place}; free some space") from error
        raise UserError(
            f"{place} is damaged or not the published data ({_reason(error)}); {fix}"
        ) from error


@contextmanager
def silence() -> Iterator[None]:
    """Suppress the libraries' progress bars and messages about mirrors."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


@contextmanager
def _time_limit() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    """The last line (torchvision has one per mirror), without the hint on ``download=True``."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].split(". ")[0].strip("<>")
