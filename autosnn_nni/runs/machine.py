"""Where a run is computed."""

import re
from dataclasses import dataclass
from pathlib import Path

from autosnn_nni.errors import UserError


@dataclass(frozen=True)
class Machine:
    """Where a run finds its data and what it computes on: no part of its settings.

    ``cache_memory`` is what a search may keep of one generation for the next: bytes, or such as
    ``500M`` and ``2G``. Raises :class:`UserError` for a value that can't be.
    """

    data_dir: Path | None = None
    device: str = "auto"
    devices: int = 1
    cache_memory: str = "1G"

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise UserError(f"--devices must be at least 1, not {self.devices}")
        _ = self.cache_bytes

    @property
    def cache_bytes(self) -> int:
        """``cache_memory`` in bytes."""
        match = re.fullmatch(r"(\d+)([KMG]?)", self.cache_memory.upper())
        if match is None:
            raise UserError(
                f"--cache-memory must be bytes, or such as 500M or 2G, not {self.cache_memory!r}"
            )
        return int(match[1]) * 1024 ** " KMG".index(match[2] or " ")
