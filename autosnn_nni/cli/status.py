"""``autosnn status`` and ``autosnn runs``: how far runs are."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from autosnn_nni.cli.console import console, say
from autosnn_nni.errors import UserError
from autosnn_nni.numbers import DASH, format_forecast
from autosnn_nni.runs.contents import Best, Candidate
from autosnn_nni.runs.status import DONE, STOPPED, Status, find_runs, status_of
from autosnn_nni.steps import Step

#: Seconds between two looks at a run.
_PAUSE = 2.0
_NAMED = {"dataset": "{}", "space": "{}", "channels": "C = {}", "timesteps": "T = {}"}


def show_status(path: Path) -> None:
    """Print how far a run is."""
    console().print(_shown(status_of(path)), soft_wrap=True)


def watch_status(path: Path) -> None:
    """Show how far a run is until no process works on it, or until Ctrl-C."""
    with Live(console=console(), auto_refresh=False) as live:
        while True:
            status = status_of(path)
            live.update(_shown(status), refresh=True)
            if not status.works:
                return
            time.sleep(_PAUSE)


def status_json(path: Path) -> dict[str, Any]:
    """How far a run is, as plain JSON types."""
    return _to_json(status_of(path))


def show_runs(folder: Path) -> None:
    """Print a line for each run in a folder, the one that changed last first."""
    found = [_status_or_error(path) for path in find_runs(folder)]
    if not found:
        say(f"no runs in {folder}")
        return
    table = Table()
    table.add_column("run", overflow="fold")
    for column in ("state", "data", "accuracy", "spikes", "changed"):
        table.add_column(column, no_wrap=column != "state")
    for one in sorted(found, key=_newest_first):
        table.add_row(*(_line(one, folder) if isinstance(one, Status) else one))
    console().print(table)
    say("accuracy and spikes on the test split; in brackets: on D_val, of the best so far")


def runs_json(folder: Path) -> list[dict[str, Any]]:
    """The runs in a folder, as plain JSON types; one that can't be read has an ``error``."""
    return [
        _to_json(one) if isinstance(one, Status) else {"path": one[0], "error": one[1]}
        for one in map(_status_or_error, find_runs(folder))
    ]


def _status_or_error(path: Path) -> Status | tuple[str, str]:
    try:
        return status_of(path)
    except UserError as error:
        return str(path), str(error)


def _newest_first(found: Status | tuple[str, str]) -> float:
    return -found.changed.timestamp() if isinstance(found, Status) else math.inf


def _line(status: Status, folder: Path) -> Sequence[str]:
    path = status.path.relative_to(folder) if status.path != folder else status.path
    cells = _numbers(status.result) if status.result else _numbers(status.best, "({})")
    changed = status.changed.strftime("%Y-%m-%d %H:%M")
    return str(path), status.state, str(status.settings["dataset"]), *cells, changed


def _numbers(found: Any, form: str = "{}") -> tuple[str, str]:
    if found is None or math.isnan(found.accuracy):
        return DASH, DASH
    return form.format(f"{100 * found.accuracy:.2f} %"), form.format(f"{found.spikes:,.0f}")


def _shown(status: Status) -> RenderableType:
    named = [form.format(status.settings[name]) for name, form in _NAMED.items()]
    lines = [f"{status.path}: {_state(status)}", ", ".join(named)]
    return Group(*map(_text, lines), _table(status.steps), *map(_text, _results(status)))


def _text(line: str) -> Text:
    return Text(line, no_wrap=True, overflow="ignore")


def _state(status: Status) -> str:
    if status.state == STOPPED:
        return f"{STOPPED} before it was done ({status.doing}); run its command again to resume"
    return ", ".join(filter(None, (status.state, status.left))) if status.works else status.state


def _table(steps: Sequence[Step]) -> Table:
    table = Table("step", "done", "time left")
    for step in steps:
        total = DASH if step.total is None else f"{step.total:,}"
        table.add_row(step.title, f"{step.done:,}/{total} {step.unit}", _left(step))
    return table


def _left(step: Step) -> str:
    if step.finished or step.total is None or not step.speed:
        return ""
    return format_forecast((step.total - step.done) / step.speed)


def _results(status: Status) -> list[str]:
    lines = [*status.warnings]
    if status.best is not None and not status.unsatisfied:
        found = "Winner on D_val" if status.state == DONE else "Best so far on D_val"
        lines.append(f"{found}: {', '.join(status.best.blocks)}: {_measured(status.best)}")
    if status.front:
        lines.append(f"Generation {status.generation}; {status.front} on the Pareto front")
    if status.result is not None:
        lines.append(f"Test split: {_measured(status.result)}")
    lines.append(f"Last written {status.changed:%Y-%m-%d %H:%M:%S}")
    return lines


def _measured(found: Any) -> str:
    accuracy, spikes = _numbers(found)
    fitness = f", fitness {found.fitness:.4f}" if isinstance(found, Candidate | Best) else ""
    return f"{accuracy}, {spikes} spikes{fitness}"


def _to_json(status: Status) -> dict[str, Any]:
    best, result = status.best, status.result
    return {
        "path": str(status.path),
        "state": status.state,
        "doing": status.doing,
        "works": status.works,
        "changed": status.changed.isoformat(timespec="seconds"),
        "left": status.left,
        "steps": [
            {"title": one.title, "done": one.done, "total": one.total, "unit": one.unit}
            for one in status.steps
        ],
        "generation": status.generation,
        "front": status.front,
        "warnings": list(status.warnings),
        "best": best and {"blocks": best.blocks, "fitness": best.fitness, **best.measured_json},
        "result": result and {"accuracy": result.accuracy, "spikes": result.spikes},
    }
