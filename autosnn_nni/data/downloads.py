"""Downloads of data sets: whole or not at all, with a bar that shows their size."""

import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, TextIO

from rich.progress import Progress

from autosnn_nni.data.folders import reason, silence
from autosnn_nni.errors import UserError
from autosnn_nni.progress import bytes_bar

_LOG = logging.getLogger(__name__)
_TIMEOUT = 20.0  # seconds without an answer, for firewalls that drop packets


@contextmanager
def downloading(name: str, folder: Path) -> Iterator[Path]:
    """Provide a temporary folder near ``folder``, to download to and move complete files from.

    Each file that torchvision downloads has a bar on standard error; nothing else is printed, and
    partial files are deleted. Raises :class:`UserError` on failure.
    """
    _LOG.info("downloading %s to %s", name, folder)
    try:
        existing = next(path for path in (folder, *folder.parents) if path.is_dir())
        temporary = TemporaryDirectory(dir=existing, prefix=".download-")
        with temporary as staging, _bars(f"Downloading {name}"), silence(), _time_limit():
            yield Path(staging)
    except (OSError, RuntimeError, HTTPException) as error:
        raise UserError(
            f"{name} is not in {folder} and could not be downloaded ({reason(error)}); "
            "put its files there or give their folder with --data-dir"
        ) from error


@contextmanager
def _bars(title: str) -> Iterator[None]:
    """Give torchvision's downloads our bars, on what is standard error now."""
    from torchvision.datasets import utils  # slow to import

    stderr, before = sys.stderr, utils.tqdm

    class Bar(_Bar):
        def __init__(self, total: int | None = None, **_: object) -> None:
            super().__init__(title, total, stderr)

    utils.tqdm = Bar
    try:
        yield
    finally:
        utils.tqdm = before


class _Bar:
    """The part of tqdm's interface that torchvision uses."""

    def __init__(self, title: str, total: int | None, stream: TextIO) -> None:
        self._progress: Progress = bytes_bar(stream)
        self._task = self._progress.add_task(title, total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, count: int) -> None:
        """Add ``count`` bytes."""
        self._progress.advance(self._task, count)


@contextmanager
def _time_limit() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
