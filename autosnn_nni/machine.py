"""Where a run is computed."""

from dataclasses import dataclass
from pathlib import Path

from autosnn_nni.errors import UserError


@dataclass(frozen=True)
class Machine:
    """Where a run finds its data and what it computes on: no part of its settings."""

    data_dir: Path | None = None
    device: str = "auto"
    devices: int = 1

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise UserError(f"--devices must be at least 1, not {self.devices}")
