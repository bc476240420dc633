"""Collect images one by one in a file instead of in memory."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError

_BLOCK = 1 << 24  # bytes converted at a time


class Collection:
    """Images of the named ``classes``, added one by one to a temporary file in ``folder``.

    The file is unnamed, so nothing is left of it, even if the process is killed.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._folder, self._file, self._classes = folder, _unnamed_file(folder), classes
        self._type: type[np.uint8] | type[np.int16] = np.uint8
        self._shape: tuple[int, ...] = ()
        self._labels: list[int] = []

    def add(self, image: NDArray[Any], label: int) -> None:
        """Add a uint8 or int16 image of the common shape; the first int16 one converts all."""
        if image.dtype == np.int16 != self._type:
            self._widen()
        self._file.write(np.ascontiguousarray(image, self._type).data)
        self._shape = image.shape
        self._labels.append(label)

    def images(self) -> Images:
        """All added images, memory-mapped; raises :class:`UserError` for a class without images."""
        present = set(self._labels)
        missing = [name for label, name in enumerate(self._classes) if label not in present]
        if missing:
            raise UserError(
                f"there are no images of {', '.join(missing[:5])}; restore the files or choose "
                "another folder with --data-dir"
            )
        self._file.flush()
        shape = (len(self._labels), *self._shape)
        stored = np.memmap(self._file, self._type, mode="r+", shape=shape)
        return Images(torch.from_numpy(stored), torch.tensor(self._labels))

    def _widen(self) -> None:
        narrow, self._file = self._file, _unnamed_file(self._folder)
        self._type = np.int16
        with narrow:
            narrow.seek(0)
            while block := narrow.read(_BLOCK):
                self._file.write(np.frombuffer(block, np.uint8).astype(np.int16).data)


def _unnamed_file(folder: Path) -> BinaryIO:
    return TemporaryFile(dir=folder)
