"""A search's state in its run directory: all evaluated architectures, and the best one."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.formats import read_stamped, write_stamped
from autosnn_nni.run_log import LOG
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.runs.search_times import read_times, write_times
from autosnn_nni.search_spaces import split_timesteps, to_sample, to_text
from autosnn_nni.strategies import Evaluated, History, find_objective


def load_history(files: RunFiles) -> History:
    """Architectures that the run's search has evaluated; empty if it has not started."""
    state = files.search_state
    if not state.exists():
        return History()
    content = read_stamped(state)
    try:
        history = History.from_json(content["evaluated"])
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{state} is not a search's state; delete it to search again") from None
    history.times = read_times(files)
    return history


def searched(path: Path) -> History:
    """Architectures evaluated by the search of the run in ``path``; raises if there are none."""
    history = load_history(RunFiles(path))
    if not history:
        raise UserError(f"{path} has no search yet; run autosnn search --output {path}")
    return history


def save_history(run: RunDirectory, history: History) -> None:
    """Save the search after a generation: its times, its table, then its state.

    The state is last: a generation that is in it is not saved again.
    """
    write_times(run, history.times)
    rows = list(rows_of(history, run.settings.objectives))
    write_whole(run.candidates, pd.DataFrame(rows).to_csv(index=False))
    classes = run.settings.network.classes
    write_stamped(run.search_state, {"classes": classes, "evaluated": history.to_json()})
    _log_generation(history)


def _log_generation(history: History) -> None:
    newest = [one for one in history if one.generation == history.generations]
    for one in newest:
        LOG.debug("%s: %s", to_text(one.blocks), one.measured)
    (fittest,) = history.top(1)
    LOG.info(
        "Search: generation %d, %d architectures, fittest %s with %.4f",
        *(history.generations, len(history), to_text(fittest.blocks), fittest.fitness),
    )


def rows_of(
    history: Iterable[Evaluated], objectives: Iterable[str] = ()
) -> Iterator[Mapping[str, Any]]:
    """Rows of a table: choices, measurements, energy (J), objectives, fitness, generation.

    The timesteps are among the choices, or in the settings.
    """
    shown = {name: find_objective(name) for name in ("energy", *objectives)}
    for one in history:
        known = one.measured
        others = {name: shown[name].value(one) for name in shown if name not in known}
        known.pop("timesteps", None)
        yield {
            **to_sample(one.blocks),
            **known,
            **others,
            "fitness": one.fitness,
            "generation": one.generation,
        }


def save_choice(run: RunDirectory, history: History) -> None:
    """Write the fittest that satisfies the constraints, or the closest; the search is then done."""
    constraints = run.settings.constraints
    (fittest,) = history.top(1, constraints)
    _save(run, fittest, run.closest if constraints.violation(fittest) else run.best)


def save_best(run: RunDirectory, best: Evaluated) -> None:
    """Write the winner."""
    _save(run, best, run.best)


def _save(run: RunDirectory, best: Evaluated, path: Path) -> None:
    settings = run.settings
    blocks, timesteps = split_timesteps(best.blocks)
    write_stamped(
        path,
        {
            **best.measured_json,
            "space": settings.space,
            "channels": settings.channels,
            "timesteps": timesteps or settings.timesteps,
            "blocks": list(blocks),
            "fitness": best.fitness,
        },
    )
