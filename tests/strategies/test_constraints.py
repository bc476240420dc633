"""Bounds on spikes and accuracy, and what they do to a ranking."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.errors import UserError
from autosnn_nni.strategies import (
    NO_CONSTRAINTS,
    Constraints,
    Evaluated,
    Evolution,
    History,
    Measurements,
)

SCORES = st.tuples(st.floats(0, 1), st.floats(0, 1e6))
BOTH = Constraints(max_spikes=80_000, min_accuracy=0.8)


def measured(accuracy: float, spikes: float) -> Measurements:
    return Measurements(accuracy=accuracy, spikes=spikes)


def history(scores: Iterable[tuple[float, float]]) -> History:
    """Fitness is the accuracy."""
    return History(
        Evaluated((f"b{number}",), accuracy, 1, accuracy=accuracy, spikes=spikes)
        for number, (accuracy, spikes) in enumerate(scores)
    )


@given(SCORES)
def test_a_violation_is_zero_if_and_only_if_every_bound_is_kept(score: tuple[float, float]) -> None:
    accuracy, spikes = score
    kept = spikes <= 80_000 and accuracy >= 0.8
    assert (BOTH.violation(measured(accuracy, spikes)) == 0) == kept
    assert NO_CONSTRAINTS.violation(measured(accuracy, spikes)) == 0


def test_bounds_are_missed_relative_to_themselves() -> None:
    assert BOTH.violation(measured(0.9, 100_000)) == pytest.approx(0.25)
    assert BOTH.violation(measured(0.4, 10)) == pytest.approx(0.5)
    assert BOTH.violation(measured(0.4, 100_000)) == pytest.approx(0.75)


def test_an_unknown_accuracy_keeps_no_bound() -> None:
    assert BOTH.violation(measured(math.nan, 10)) == 1
    assert Constraints(max_spikes=80).violation(measured(math.nan, 10)) == 0


@given(st.lists(SCORES, min_size=1, max_size=30))
def test_what_keeps_the_constraints_is_ranked_first_by_fitness(
    scores: list[tuple[float, float]],
) -> None:
    ranked = history(scores).top(len(scores), BOTH)
    violations = [BOTH.violation(one) for one in ranked]
    assert violations == sorted(violations)
    kept = [one.fitness for one in ranked if BOTH.violation(one) == 0]
    assert kept == sorted(kept, reverse=True)


def test_without_constraints_the_ranking_is_that_of_the_fitness() -> None:
    found = history([(0.2, 5), (0.9, 1e9), (0.5, 1)])
    assert [one.accuracy for one in found.top(3)] == [0.9, 0.5, 0.2]


def test_parents_of_an_evolution_keep_the_constraints_where_any_do() -> None:
    from autosnn_nni.strategies import Choices

    choices = Choices([tuple("abcdefgh")] * 6)
    # The fittest break the bound.
    evaluated = [
        Evaluated((name,) * 6, spikes, 1, accuracy=0.5, spikes=spikes)
        for name, spikes in zip(
            "abcdefgh", (1.0, 2.0, 3.0, 4.0, 50.0, 60.0, 70.0, 80.0), strict=True
        )
    ]
    evolution = Evolution(mutated=0, crossed=10, population=10, top=3, max_spikes=10)
    children = evolution.propose(choices, History(evaluated))
    assert {block for child in children for block in child} == {"b", "c", "d"}


@pytest.mark.parametrize("spikes", [0, -1, math.inf, math.nan])
def test_a_bound_on_spikes_that_cannot_be_is_refused(spikes: float) -> None:
    with pytest.raises(UserError, match="max_spikes must be positive"):
        Constraints(max_spikes=spikes)


@pytest.mark.parametrize("accuracy", [0, -0.1, 1.01, 85, math.nan])
def test_an_accuracy_that_is_no_fraction_is_refused(accuracy: float) -> None:
    with pytest.raises(UserError, match=r"min_accuracy must be a fraction such as 0\.85"):
        Constraints(min_accuracy=accuracy)


def test_constraints_read_as_their_options() -> None:
    assert str(BOTH) == "--max-spikes 80,000 --min-accuracy 0.8"
    assert str(NO_CONSTRAINTS) == ""
