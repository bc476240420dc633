"""Memory-mapped images: only what is read takes memory."""

from pathlib import Path

import torch
from torch import Tensor


class Mapped:
    """The memory-mapped tensor ``name`` of a file written by ``torch.save``.

    Pickling sends another process only the file's path, and the process maps the file itself.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self.tensor: Tensor = torch.load(path, mmap=True, weights_only=True)[name]

    def __reduce__(self) -> tuple[type["Mapped"], tuple[Path, str]]:
        return Mapped, (self._path, self._name)
