"""What a run has done so far, read from its folder. This module does not need torch."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.runs.contents import (
    Best,
    Candidate,
    Result,
    RunContents,
    constraints_of,
    objectives_of,
    read_contents,
)
from autosnn_nni.runs.directory import is_used
from autosnn_nni.runs.run_files import RunFiles, not_a_run
from autosnn_nni.runs.search_warnings import unsatisfied, warnings_of
from autosnn_nni.runs.steps import SEARCH, SUPERNET, steps_of
from autosnn_nni.runs.used_settings import used_settings
from autosnn_nni.steps import Step, time_left
from autosnn_nni.strategies import front_of

DONE, STOPPED = "done", "stopped"


@dataclass(frozen=True)
class Status:
    """How far a run is.

    ``best`` is the search's best architecture so far, measured on D_val, ``result`` is measured on
    the test split. ``front`` is the number of architectures on the Pareto front, and ``changed``
    when something was last written. ``works`` says whether a process uses the run now. ``warnings``
    are lines about the search, ``unsatisfied`` the constraints that no architecture satisfies.
    """

    path: Path
    settings: dict[str, Any]
    steps: tuple[Step, ...]
    works: bool
    changed: datetime
    best: Candidate | Best | None
    generation: int
    front: int
    result: Result | None
    warnings: tuple[str, ...]
    unsatisfied: str

    @property
    def state(self) -> str:
        """``done``, ``stopped``, what the run's process does, or that there is no winner."""
        if all(step.finished for step in self.steps):
            return DONE
        return self.doing if self.works or self.unsatisfied else STOPPED

    @property
    def doing(self) -> str:
        """The step that is not finished, in words, or why there is none."""
        if self.unsatisfied:
            return f"no architecture satisfies {self.unsatisfied}"
        step = next((one for one in self.steps if not one.finished), None)
        if step is None:
            return DONE
        return {SUPERNET: "training the supernet", SEARCH: "searching"}.get(
            step.title, step.title[0].lower() + step.title[1:]
        )

    @property
    def left(self) -> str:
        """How long the rest will take, by the speeds known so far; empty if none is."""
        return time_left(self.steps)


def status_of(path: Path) -> Status:
    """Read the status of the run in ``path``, while another process may work on it.

    Raises :class:`UserError` if it is no run, or if a file of it is broken.
    """
    files, run = RunFiles(path), read_contents(path)
    if not files.settings_file.exists():
        raise not_a_run(files)
    settings = {**used_settings(run.settings), "rounds": run.settings["rounds"]}
    return Status(
        path=path,
        settings=run.settings,
        steps=tuple(steps_of(files, settings)),
        works=is_used(path),
        changed=_changed(path),
        best=run.best or run.closest or _best(run),
        generation=max((one.generation for one in run.candidates), default=0),
        front=len(front_of(run.candidates, objectives_of(run.settings))),
        result=run.result,
        warnings=tuple(warnings_of(run)),
        unsatisfied=unsatisfied(run),
    )


def find_runs(folder: Path) -> Iterator[Path]:
    """The runs in ``folder`` and its folders, sorted by path; not those inside of other runs.

    Raises :class:`UserError` if there is no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give the one that your runs are in")
    for place, folders, files in os.walk(folder):
        folders.sort()
        if RunFiles(Path(place)).settings_file.name in files:
            folders.clear()
            yield Path(place)


def _best(run: RunContents) -> Candidate | None:
    """The fittest so far, feasible ones first, as the search will choose it."""
    constraints = constraints_of(run.settings)
    return min(run.candidates, key=lambda one: constraints.rank(one, one.fitness), default=None)


def _changed(path: Path) -> datetime:
    """When a file was last written; a run's process may move some meanwhile."""
    times = []
    for file in path.rglob("*"):
        with suppress(FileNotFoundError):
            times.append(file.stat().st_mtime)
    return datetime.fromtimestamp(max(times)).astimezone()
