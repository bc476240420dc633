"""What is known of an architecture, and what is not."""

import math
from dataclasses import replace

import pytest

from autosnn_nni.runs.contents import Best, Candidate
from autosnn_nni.scoring.evaluation import Evaluation
from autosnn_nni.scoring.spread import Spread, spread
from autosnn_nni.strategies import Evaluated, Measurements


@pytest.mark.parametrize(
    "one",
    [
        Measurements(accuracy=0.9, spikes=float("nan")),
        Evaluated(("skip",), 0.5, 1, accuracy=float("nan"), spikes=3.0),
        Candidate(("skip",), 0.5, 1, 1, accuracy=float("nan"), spikes=3.0),
        Best(("skip",), 0.5, accuracy=float("nan"), spikes=3.0),
        Evaluation(0.9, 3.0, 2.0, 0.1, (), (), synops=float("nan")),
    ],
    ids=lambda one: type(one).__name__,
)
def test_unknown_values_are_equal_and_others_are_compared(one: Measurements | Evaluation) -> None:
    same = replace(one, synops=math.nan, macs=float("nan"))
    assert same == one
    assert hash(same) == hash(one)
    assert replace(one, macs=1.0) != one
    assert replace(one, accuracy=0.25) != one
    assert one != "text"


def test_spreads_of_a_single_training_are_equal() -> None:
    assert Spread(0.9, float("nan"), 1) == spread([0.9])


def test_other_records_with_the_same_measurements_are_not_equal() -> None:
    measured = Measurements(accuracy=0.9, spikes=3.0)
    assert Best(("skip",), 0.5, accuracy=0.9, spikes=3.0) != measured


def test_evaluations_differ_in_their_time_without_being_unequal() -> None:
    one = Evaluation(0.9, 3.0, 2.0, 0.1, (), (), seconds=1.0)
    assert replace(one, seconds=2.0) == one
