"""Data sets that torchvision downloads: found in a folder, or downloaded to it."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autosnn_nni.data.downloads import downloading
from autosnn_nni.data.folders import damage_reported, look_into, own_folder
from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError


@dataclass(frozen=True)
class Published:
    """The files of ``torchvision.datasets.<name>``.

    torchvision stores ``files`` in ``<folder>/<inside>``; they may also be in the folder itself.
    """

    name: str
    inside: str
    files: tuple[str, ...]

    def find(self, folder: Path) -> Path | None:
        """Return the folder in or below ``folder`` that has all files (each may be a ``.gz``)."""
        for place in (folder / self.inside, folder):
            if all(_plain_or_compressed(place / file) for file in self.files):
                return place
        return None

    def read(self, folder: Path | None) -> tuple[Images, Images]:
        """Read training and test images with torchvision, which verifies checksums.

        Raises :class:`UserError` if the files are missing, can't be downloaded or are damaged.
        """
        place = self._locate(folder)
        # torchvision looks for CIFAR in a folder below its root; make it look in `place` itself.
        source = type(self.name, (self._source,), {"base_folder": ""})
        with damage_reported(place):
            train, test = (_as_images(source(place, **part)) for part in self._parts)
        return train, test

    def read_idx(self, folder: Path | None) -> tuple[Images, Images]:
        """Like :meth:`read`, for idx files: training images and labels, test images and labels."""
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
        folder = folder or own_folder(self.name)
        return look_into(folder, self.find) or self._download(folder)

    def _download(self, folder: Path) -> Path:
        archive = folder / getattr(self._source, "filename", "no archive")
        with self._damage_named(archive), downloading(self.name, folder) as staging:
            if archive.is_file():  # torchvision unpacks it instead of downloading it
                shutil.copy(archive, staging)
            for part in self._parts:
                self._source(staging, download=True, **part)
            return self._move(staging / self.inside, folder / self.inside)

    @contextmanager
    def _damage_named(self, archive: Path) -> Iterator[None]:
        """Say that the ``archive`` is damaged if another one could not be downloaded."""
        try:
            yield
        except UserError as error:
            published = getattr(self._source, "tgz_md5", "")
            found = _md5(archive) if published and archive.is_file() else published
            if found == published:
                raise
            raise UserError(
                f"{archive} is damaged: its MD5 checksum is {found} instead of {published}; "
                f"restore it ({error})"
            ) from error

    def _move(self, source: Path, target: Path) -> Path:
        target.mkdir(parents=True, exist_ok=True)
        for file in self.files:
            (source / file).replace(target / file)
        return target


def _md5(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()


def _plain_or_compressed(path: Path) -> Path | None:
    compressed = path.with_name(f"{path.name}.gz")
    return next((file for file in (path, compressed) if file.is_file()), None)


def _read_idx(path: Path) -> Tensor:
    """Read images uint8 ``[N, H, W]`` or labels int64 ``[N]``, depending on the file's name."""
    from torchvision.datasets.mnist import read_image_file, read_label_file
    from torchvision.datasets.utils import extract_archive

    file = _plain_or_compressed(path) or path
    read = read_label_file if "labels" in path.name else read_image_file
    with damage_reported(file), TemporaryDirectory() as unpacked:
        if file != path:
            file = Path(extract_archive(file, unpacked))
        tensor: Tensor = read(file)
        return tensor


def _as_images(data: Any) -> Images:
    """Convert torchvision's arrays to tensors; SVHN's are already channels first."""
    labels = np.asarray(data.labels if hasattr(data, "labels") else data.targets)
    images = torch.from_numpy(data.data)
    if images.shape[-1] == 3:
        images = images.permute(0, 3, 1, 2)
    return Images(images.contiguous(), torch.from_numpy(labels).long())
