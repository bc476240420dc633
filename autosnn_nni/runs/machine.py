"""The machine that a run uses."""

import re
from dataclasses import dataclass
from pathlib import Path

from autosnn_nni.errors import UserError
from autosnn_nni.run_log import check_level


@dataclass(frozen=True)
class Machine:
    """Data folder, devices, memory and log of a run, which are not part of its settings.

    ``cache_memory`` is the memory to cache activations between generations of a search: bytes, or
    a size such as ``500M`` or ``2G``. ``log_level`` is that of the run's log;
    with ``tensorboard`` it also has files for TensorBoard. Raises :class:`UserError` for an invalid
    value.
    """

    data_dir: Path | None = None
    device: str = "auto"
    devices: int = 1
    cache_memory: str = "1G"
    log_level: str = "info"
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise UserError(f"--devices must be at least 1, not {self.devices}")
        _ = self.cache_bytes
        check_level(self.log_level)

    @property
    def cache_bytes(self) -> int:
        """``cache_memory`` in bytes."""
        match = re.fullmatch(r"(\d+)([KMG]?)", self.cache_memory.upper())
        if match is None:
            raise UserError(
                f"--cache-memory must be bytes or a size such as 500M, not {self.cache_memory!r}"
            )
        return int(match[1]) * 1024 ** " KMG".index(match[2] or " ")
