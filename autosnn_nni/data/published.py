"""Data sets that torchvision publishes: found in a folder, or downloaded into it whole."""

import io
import logging
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError

_LOG = logging.getLogger(__name__)
_TIMEOUT = 20.0  # seconds without an answer, where a firewall swallows packets


@dataclass(frozen=True)
class Published:
    """The files of ``torchvision.datasets.<name>``.

    torchvision keeps ``files`` in ``<folder>/<inside>``; they may also lie in the folder itself.
    """

    name: str
    inside: str
    files: tuple[str, ...]

    def find(self, folder: Path) -> Path | None:
        """The folder in or below ``folder`` that has all files (each may be a ``.gz``)."""
        for place in (folder / self.inside, folder):
            if all(_plain_or_packed(place / file) for file in self.files):
                return place
        return None

    def read(self, folder: Path | None) -> tuple[Images, Images]:
        """Training and test images through torchvision, which checks the files' checksums.

        Raises :class:`UserError` when the files are missing, can't be downloaded or are damaged.
        """
        place = self._locate(folder)
        # torchvision looks for CIFAR in a folder below its root: make it look in `place` itself.
        source = type(self.name, (self._source,), {"base_folder": ""})
        with _damage_reported(place):
            train, test = (_as_images(source(place, **part)) for part in self._parts)
        return train, test

    def read_idx(self, folder: Path | None) -> tuple[Images, Images]:
        """As :meth:`read`, for idx files: training images and labels, test images and labels."""
        place = self._locate(folder)
        tensors = [_read_idx(place / file) for file in self.files]
        return Images(tensors[0][:, None], tensors[1]), Images(tensors[2][:, None], tensors[3])

    @property
    def _source(self) -> Any:
        import torchvision.datasets  # here, because it is slow to import

        return getattr(torchvision.datasets, self.name)

    @property
    def _parts(self) -> tuple[dict[str, object], dict[str, object]]:
        if self.name == "SVHN":
            return {"split": "train"}, {"split": "test"}
        return {"train": True}, {"train": False}

    def _locate(self, folder: Path | None) -> Path:
        folder = folder or Path.home() / ".cache" / "autosnn-nni" / self.name
        try:
            found, usable = self.find(folder), folder.is_dir() or not folder.exists()
        except OSError as error:
            raise UserError(
                f"{folder} cannot be read ({error.strerror}); name another folder with --data-dir"
            ) from error
        if not usable:
            raise UserError(f"{folder} is not a folder; name the data's folder with --data-dir")
        return found or self._download(folder)

    def _download(self, folder: Path) -> Path:
        """Download beside the folder and move the files in at the end: nothing half is left."""
        _LOG.info("downloading %s to %s", self.name, folder)
        try:
            beside = next(path for path in (folder, *folder.parents) if path.is_dir())
            with TemporaryDirectory(dir=beside, prefix=".download-") as staging:
                self._fetch(folder, Path(staging))
                return self._move(Path(staging) / self.inside, folder / self.inside)
        except (OSError, RuntimeError, HTTPException) as error:
            raise UserError(
                f"{self.name} is not in {folder} and could not be downloaded ({_reason(error)}); "
                "put its files there or name their folder with --data-dir"
            ) from error

    def _fetch(self, folder: Path, staging: Path) -> None:
        archive = folder / getattr(self._source, "filename", "no archive")
        if archive.is_file():  # torchvision unpacks it instead of downloading it again
            shutil.copy(archive, staging)
        with _silence(), _time_limit():
            for part in self._parts:
                self._source(staging, download=True, **part)

    def _move(self, source: Path, target: Path) -> Path:
        target.mkdir(parents=True, exist_ok=True)
        for file in self.files:
            (source / file).replace(target / file)
        return target


def _plain_or_packed(path: Path) -> Path | None:
    packed = path.with_name(f"{path.name}.gz")
    return next((file for file in (path, packed) if file.is_file()), None)


def _read_idx(path: Path) -> Tensor:
    """Images uint8 ``[N, H, W]`` or labels int64 ``[N]``, as the file's name says."""
    from torchvision.datasets.mnist import read_image_file, read_label_file
    from torchvision.datasets.utils import extract_archive

    file = _plain_or_packed(path) or path
    read = read_label_file if "labels" in path.name else read_image_file
    with _damage_reported(file), TemporaryDirectory() as unpacked:
        if file != path:
            file = Path(extract_archive(file, unpacked))
        tensor: Tensor = read(file)
        return tensor


def _as_images(data: Any) -> Images:
    """torchvision's arrays as tensors; SVHN's are channels first already."""
    labels = np.asarray(data.labels if hasattr(data, "labels") else data.targets)
    images = torch.from_numpy(data.data)
    if images.shape[-1] == 3:
        images = images.permute(0, 3, 1, 2)
    return Images(images.contiguous(), torch.from_numpy(labels).long())


@contextmanager
def _damage_reported(place: Path) -> Iterator[None]:
    """A damaged pickle, gzip or mat file can raise anything: report all as one line."""
    try:
        yield
    except Exception as error:
        raise UserError(
            f"{place} is damaged or not the published data ({_reason(error)}); restore it, "
            "or delete it to have it downloaded again"
        ) from error


@contextmanager
def _silence() -> Iterator[None]:
    """Swallow torchvision's progress bars and its notes on mirrors."""
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
