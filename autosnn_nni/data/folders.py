"""Folders of data sets: finding files, and reporting damaged ones."""

import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TypeVar

from autosnn_nni.errors import UserError

Found = TypeVar("Found")

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def own_folder(name: str) -> Path:
    """The default folder of the data set ``name``."""
    return Path.home() / ".cache" / "autosnn-nni" / name


def natural(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key that orders numbers in names numerically: 2 before 10, and 01 before 1."""
    parts = re.split(r"(\d+)", name)
    return tuple(int(part) if part.isdecimal() else part for part in parts), name


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
            f"{place} is damaged or not the published data ({reason(error)}); {fix}"
        ) from error


@contextmanager
def silence() -> Iterator[None]:
    """Suppress the libraries' progress bars and messages about mirrors."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def reason(error: Exception) -> str:
    """The last line (torchvision has one per mirror), without the hint on ``download=True``."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].split(". ")[0].strip("<>")
