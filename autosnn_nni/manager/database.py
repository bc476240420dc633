"""A finished search in NNI's experiment database, which its web UI and nnictl read."""

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from autosnn_nni.search_spaces import to_sample
from autosnn_nni.strategies import Evaluated, History, find_objective

#: The tables that NNI 3.0 creates in ``nni_node/core/sqlDatabase.js``.
_TABLES = """
create table TrialJobEvent (
    timestamp integer, trialJobId text, event text, data text, logPath text, sequenceId integer,
    message text, environmentId text);
create index TrialJobEvent_trialJobId on TrialJobEvent(trialJobId);
create index TrialJobEvent_event on TrialJobEvent(event);
create table MetricData (
    timestamp integer, trialJobId text, parameterId text, type text, sequence integer, data text);
create index MetricData_trialJobId on MetricData(trialJobId);
create index MetricData_type on MetricData(type);
create table ExperimentProfile (
    params text, id text, execDuration integer, startTime integer, endTime integer, logDir text,
    nextSequenceId integer, revision integer);
create index ExperimentProfile_id on ExperimentProfile(id);
"""
_PROFILE = "insert into ExperimentProfile values (?, ?, ?, ?, ?, ?, ?, 1)"
_EVENT = "insert into TrialJobEvent values (?, ?, ?, ?, null, ?, null, null)"
_METRIC = "insert into MetricData values (?, ?, ?, 'FINAL', 0, ?)"


@dataclass(frozen=True)
class Profile:
    """An NNI experiment: its configuration and when it ran (milliseconds since 1970)."""

    id: str
    config: Any
    start: int
    end: int

    @property
    def folder(self) -> Path:
        """NNI's folder of the experiment."""
        return Path(self.config.experiment_working_directory, self.id)

    @property
    def database(self) -> Path:
        """Database of its trials and their metrics."""
        return self.folder / "db" / "nni.sqlite"

    @property
    def logs(self) -> Path:
        """Folder with the manager's logs."""
        return self.folder / "log"


@dataclass(frozen=True)
class _Trial:
    number: int
    start: int
    end: int
    evaluated: Evaluated

    @property
    def id(self) -> str:
        return f"{self.number:05}"

    @property
    def parameters(self) -> str:
        return json.dumps(
            {
                "parameter_id": self.number,
                "parameter_source": "algorithm",
                "parameters": to_sample(self.evaluated.blocks),
                "parameter_index": 0,
            }
        )

    @property
    def metrics(self) -> str:
        """JSON inside JSON, without non-finite numbers, which NNI's manager can't read."""
        one = self.evaluated
        metrics = {
            "default": one.fitness,
            **one.measured,
            "energy": find_objective("energy").value(one),
            "generation": one.generation,
        }
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        return json.dumps(json.dumps(finite))

    def events(self) -> Iterator[tuple[Any, ...]]:
        yield self.start, self.id, "RUNNING", self.parameters, self.number
        yield self.end, self.id, "SUCCEEDED", None, self.number


def as_database(profile: Profile, history: History) -> bytes:
    """The content of the experiment's ``nni.sqlite``: one succeeded trial per architecture.

    A generation is scored together: its architectures have equal shares of the time that it took.
    """
    trials = list(_trials(profile, history))
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_TABLES)
        database.execute(_PROFILE, _profile_row(profile, len(trials)))
        database.executemany(_EVENT, (event for trial in trials for event in trial.events()))
        database.executemany(
            _METRIC, ((trial.end, trial.id, trial.number, trial.metrics) for trial in trials)
        )
        database.commit()
        return database.serialize()


def _profile_row(profile: Profile, trials: int) -> tuple[Any, ...]:
    params = json.dumps(profile.config.json())
    seconds = (profile.end - profile.start) // 1000
    return params, profile.id, seconds, profile.start, profile.end, str(profile.folder), trials


def _trials(profile: Profile, history: History) -> Iterator[_Trial]:
    number = 0
    for start, end, trials in _generations(profile, history):
        step = (end - start) / len(trials)
        for count, one in enumerate(trials):
            begin, finish = (round(start + step * passed) for passed in (count, count + 1))
            yield _Trial(number, begin, finish, one)
            number += 1


def _generations(
    profile: Profile, history: History
) -> Iterator[tuple[float, float, list[Evaluated]]]:
    """Each generation's start and end in milliseconds, and its architectures.

    Where they are not known, the architectures share the time before the first one that is.
    """
    known = {one: (1000 * start, 1000 * end) for one, (start, end) in history.times.items()}
    unknown = sum(one.generation not in known for one in history)
    clock = float(profile.start)
    step = (min((start for start, _ in known.values()), default=profile.end) - clock) / (
        unknown or 1
    )
    for generation, group in groupby(history, key=lambda one: one.generation):
        trials = list(group)
        if generation in known:
            yield *known[generation], trials
        else:
            start, clock = clock, clock + step * len(trials)
            yield start, clock, trials
