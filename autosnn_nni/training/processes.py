"""Processes of a training started by torchrun, on one or several machines."""

import os
from dataclasses import dataclass

from autosnn_nni.errors import UserError


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
    # A shell may have the first one left over from somewhere else.
    names = ("TORCHELASTIC_RUN_ID", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
    if any(name not in os.environ for name in names):
        return None
    return Processes(*(int(os.environ[name]) for name in names[1:]))


def count_processes(devices: int) -> int:
    """The number of processes that train together, started by torchrun or one for each device.

    Raises :class:`UserError` for several devices in a process that torchrun has started.
    """
    started = torchrun_processes()
    if started is None:
        return devices
    if devices > 1:
        raise UserError(f"leave out --devices: torchrun has started {started.total} processes")
    return started.total
