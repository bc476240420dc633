"""A finished search in NNI's experiment database, which its web UI and nnictl read."""

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosnn_nni.search_spaces import to_sample
from autosnn_nni.strategies import Evaluated, find_objective

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


def as_database(profile: Profile, evaluated: Sequence[Evaluated]) -> bytes:
    """The content of the experiment's ``nni.sqlite``: one succeeded trial per architecture.

    A search does not record when it evaluated each one; the trials are spread evenly over it.
    """
    trials = list(_trials(profile, evaluated))
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


def _trials(profile: Profile, evaluated: Sequence[Evaluated]) -> Iterator[_Trial]:
    step = (profile.end - profile.start) / len(evaluated)
    for number, one in enumerate(evaluated):
        start, end = (round(profile.start + step * count) for count in (number, number + 1))
        yield _Trial(number, start, end, one)
