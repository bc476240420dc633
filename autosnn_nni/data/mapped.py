"""Images that stay in their file: what is read of it is all that takes memory."""

from pathlib import Path

import torch
from torch import Tensor


class Mapped:
    """The tensor called ``name`` in a file that ``torch.save`` has written, mapped into memory.

    Another process is sent the file's path alone, not gigabytes, and maps it for itself.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self.tensor: Tensor = torch.load(path, mmap=True, weights_only=True)[name]

    def __reduce__(self) -> tuple[type["Mapped"], tuple[Path, str]]:
        return Mapped, (self._path, self._name)
