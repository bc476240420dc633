"""Long steps of a command: what is done of them, and how long the rest will take."""

from collections.abc import Sequence
from dataclasses import dataclass

from autosnn_nni.numbers import format_forecast


@dataclass(frozen=True)
class Step:
    """A long step of a command: ``done`` of ``total`` units of work, ``speed`` units per second.

    The total and the speed are ``None`` if they are not known. Steps of one ``kind`` are about as
    fast as each other.
    """

    title: str
    total: float | None
    unit: str
    kind: str = ""
    done: float = 0
    speed: float | None = None

    @property
    def finished(self) -> bool:
        """Whether all of it is done."""
        return self.total is not None and self.done >= self.total


def time_left(steps: Sequence[Step]) -> str:
    """How long ``steps`` will still take, by the speeds known so far; empty if none is known.

    >>> time_left([Step("Supernet", 4, "epochs", done=1, speed=0.1)])
    'about 30 s left'
    """
    left = [_seconds_left(one, steps) for one in steps if not one.finished]
    known = [one for one in left if one is not None]
    if not known:
        return ""
    rough = "about" if len(known) == len(left) else "at least"
    return f"{rough} {format_forecast(sum(known))} left"


def _seconds_left(step: Step, steps: Sequence[Step]) -> float | None:
    speeds = [step.speed, *(one.speed for one in steps if one.kind == step.kind)]
    speed = next((one for one in speeds if one), None)
    return None if speed is None or step.total is None else (step.total - step.done) / speed
