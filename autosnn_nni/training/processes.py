"""Processes of a training started by torchrun, on one or several machines."""

import ast
import os
import sys
from dataclasses import dataclass
from pathlib import Path

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


def check_main_guard(devices: int) -> None:
    """Raise :class:`UserError` if other processes would run the program again from its start.

    Each of them imports the main script. Without a guard it would train there too, and Python would
    wait for such a process forever.
    """
    main = sys.modules["__main__"]
    file, line = getattr(main, "__file__", None), _line_in(vars(main))
    if count_processes(devices) == devices > 1 and file and line and not _guarded(file, line):
        raise UserError(
            f"{devices} devices need more processes, which import {Path(file).name}; put what it "
            'runs under: if __name__ == "__main__":'
        )


def _line_in(variables: dict[str, object]) -> int | None:
    """The line at which a module with these ``variables`` is now, outside its functions."""
    frame = sys._getframe(1)
    while frame.f_back and (frame.f_locals is not variables or frame.f_globals is not variables):
        frame = frame.f_back
    return frame.f_lineno if frame.f_locals is variables else None


def _guarded(file: str, line: int) -> bool:
    """Whether the statement at ``line`` is under a condition on the module's name."""
    try:
        statements = ast.parse(Path(file).read_bytes()).body
    except (OSError, SyntaxError, ValueError):  # not Python's source
        return True
    return any(
        isinstance(one, ast.If)
        and one.lineno <= line <= (one.end_lineno or line)
        and "__name__" in ast.unparse(one.test)
        for one in statements
    )
