"""Processes of a training started by torchrun, on one or several machines."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Processes:
    """This process is number ``rank``, from 0, of ``total``; ``per_machine`` are on each machine.

    The first process writes files; the others only train.
    """

    rank: int
    total: int
    per_machine: int

    @property
    def machines(self) -> int:
        """The number of machines."""
        return self.total // self.per_machine


def torchrun_processes() -> Processes | None:
    """Return the processes of this training; ``None`` if it was not started by torchrun."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    rank, total, per_machine = (
        int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
    )
    return Processes(rank, total, per_machine)
