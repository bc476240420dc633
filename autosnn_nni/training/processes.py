"""The processes of one training that torchrun has started, on one machine or on several."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Processes:
    """This process is number ``rank``, from 0, of ``total``; ``per_machine`` are on each machine.

    The first one writes; the others only train.
    """

    rank: int
    total: int
    per_machine: int

    @property
    def machines(self) -> int:
        """On how many machines they are."""
        return self.total // self.per_machine


def torchrun_processes() -> Processes | None:
    """This process and its companions; ``None`` where torchrun has not started it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    rank, total, per_machine = (
        int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
    )
    return Processes(rank, total, per_machine)
