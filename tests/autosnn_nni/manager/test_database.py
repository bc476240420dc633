"""NNI's database of a finished search, read back as NNI's manager reads it."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from types import SimpleNamespace

import pytest

from autosnn_nni.manager.database import Profile, as_database
from autosnn_nni.strategies import Evaluated, History

CONFIG = SimpleNamespace(json=dict, experiment_working_directory="nni")

#: Two architectures in the first generation, four in the second.
GENERATIONS = (1, 1, 2, 2, 2, 2)


def times(known: Mapping[int, tuple[float, float]]) -> list[tuple[int, int]]:
    """Start and end of every trial, in milliseconds."""
    history = History(
        Evaluated((f"block{number}",), 1.0, generation, accuracy=0.5, spikes=1.0)
        for number, generation in enumerate(GENERATIONS)
    )
    history.times = dict(known)
    profile = Profile("a", CONFIG, start=0, end=6000)
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(as_database(profile, history))
        events = database.execute(
            "select min(timestamp), max(timestamp) from TrialJobEvent group by sequenceId"
        )
        return events.fetchall()


def test_trials_share_the_time_of_their_generation() -> None:
    first, second = (1.0, 2.0), (3.0, 5.0)
    assert times({1: first, 2: second}) == [
        *[(1000, 1500), (1500, 2000)],
        *[(3000, 3500), (3500, 4000), (4000, 4500), (4500, 5000)],
    ]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, [(0, 1000), (1000, 2000), (2000, 3000), (3000, 4000), (4000, 5000), (5000, 6000)]),
        (
            {2: (3.0, 5.0)},
            [(0, 1500), (1500, 3000), (3000, 3500), (3500, 4000), (4000, 4500), (4500, 5000)],
        ),
    ],
    ids=["of an earlier version", "begun with an earlier version"],
)
def test_where_times_are_not_known_trials_share_what_is_left(
    known: dict[int, tuple[float, float]], expected: list[tuple[int, int]]
) -> None:
    assert times(known) == expected
