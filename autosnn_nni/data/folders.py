"""Where published files lie, how they are downloaded whole, and how damaged ones are reported."""

import errno
import io
import logging
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
_TIMEOUT = 20.0  # seconds without an answer, where a firewall swallows packets
_FULL = (errno.ENOSPC, errno.EDQUOT)


def own_folder(name: str) -> Path:
    """Where the data set ``name`` is kept when the user names no folder."""
    return Path.home() / ".cache" / "autosnn-nni" / name


def natural(name: str) -> tuple[str | int, ...]:
    """A key that orders numbers in names as numbers: 2 before 10."""
    return tuple(int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name))


def look_into(folder: Path, find: Callable[[Path], Found]) -> Found:
    """What ``find`` finds; raises :class:`UserError` for a folder that can't be used."""
    try:
        found, usable = find(folder), folder.is_dir() or not folder.exists()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be read ({error.strerror}); name another folder with --data-dir"
        ) from error
    if not usable:
        raise UserError(f"{folder} is not a folder; name the data's folder with --data-dir")
    return found


@contextmanager
def downloading(name: str, folder: Path) -> Iterator[Path]:
    """A folder beside ``folder`` to download into and to move whole files from.

    Nothing is printed, and what is half is deleted. Raises :class:`UserError` when it fails.
    """
    _LOG.info("downloading %s to %s", name, folder)
    try:
        beside = next(path for path in (folder, *folder.parents) if path.is_dir())
        temporary = TemporaryDirectory(dir=beside, prefix=".download-")
        with temporary as staging, silence(), _time_limit():
            yield Path(staging)
    except (OSError, RuntimeError, HTTPException) as error:
        raise UserError(
            f"{name} is not in {folder} and could not be downloaded ({_reason(error)}); "
            "put its files there or name their folder with --data-dir"
        ) from error


@contextmanager
def damage_reported(
    place: Path, mend: str = "restore it, or delete it to have it downloaded again"
) -> Iterator[None]:
    """A damaged pickle, archive or mat file can raise anything: report all as one line.

    ``mend`` says what to do.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise UserError(f"no space is left to unpack {place}; free some") from error
        raise UserError(
            f"{place} is damaged or not the published data ({_reason(error)}); {mend}"
        ) from error


@contextmanager
def silence() -> Iterator[None]:
    """Swallow the libraries' progress bars and their notes on mirrors."""
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
    """The last line, as torchvision has one per mirror, without its hint on ``download=True``."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].split(". ")[0].strip("<>")
