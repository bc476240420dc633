"""Spreads over seeds, against the equations by hand."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from autosnn_nni.scoring.spread import (
    MEASURED,
    Spread,
    compared,
    is_within_spread,
    spread,
    spreads_of,
    summary,
    verdicts,
    without_summary,
)


def result(accuracy: float, spikes: float = 100.0, rate: float = 0.1) -> dict[str, Any]:
    return {"accuracy": accuracy, "spikes": spikes, "firing_rate": rate, "blocks": ["skip"]}


def spreads(accuracy: Spread, spikes: Spread) -> dict[str, Spread]:
    return {"accuracy": accuracy, "spikes": spikes}


def test_mean_and_deviation_by_hand() -> None:
    found = spread([0.9, 0.92, 0.97])  # mean 0.93, squares 0.0009 + 0.0001 + 0.0016 over 2
    assert found.mean == pytest.approx(0.93)
    assert found.std == pytest.approx(math.sqrt(0.0013))
    assert found.count == 3


def test_a_single_seed_has_itself_as_mean_and_no_deviation() -> None:
    found = spread([0.1 + 0.2])
    assert (found.mean, found.count) == (0.1 + 0.2, 1)
    assert math.isnan(found.std)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=6))
def test_mean_and_deviation_are_numpys(values: list[float]) -> None:
    found = spread(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.std == pytest.approx(np.std(values, ddof=1), abs=1e-6)


@pytest.mark.parametrize(
    ("other", "within"), [(100.0, True), (105.0, True), (105.1, False), (95.0, True), (94.9, False)]
)
def test_the_rule_by_hand(other: float, within: bool) -> None:
    # Deviations of 3 and 4: sqrt(3^2 + 4^2) = 5.
    assert is_within_spread(Spread(100.0, 3.0, 3), Spread(other, 4.0, 2)) is within


def test_nothing_is_said_of_a_single_seed() -> None:
    many, single = Spread(0.9, 0.01, 3), spread([0.1])
    assert is_within_spread(many, single) is is_within_spread(single, many) is None
    assert verdicts(spreads(many, many), spreads(single, single)) == {}
    assert compared("Winner", spreads(single, single), "SCB_k3", spreads(many, many)) == ""


@pytest.mark.parametrize(("count", "percent"), [(2, 29), (3, 16), (5, 6)])
def test_how_often_equal_networks_differ_by_more_than_the_rule_allows(
    count: int, percent: int
) -> None:
    """The numbers in the docstring of the rule, by Student's t and by drawing."""
    by_chance = 2 * stats.t.sf(math.sqrt(count), 2 * count - 2)
    assert round(100 * by_chance) == percent
    draws = np.random.default_rng(0).normal(size=(4000, 2, count))
    pairs = [(spread(list(one)), spread(list(other))) for one, other in draws]
    apart = np.mean([is_within_spread(*pair) is False for pair in pairs])
    assert apart == pytest.approx(by_chance, abs=0.03)


def test_the_words() -> None:
    best = spreads(Spread(0.95, 0.01, 3), Spread(100.0, 5.0, 3))
    worst = spreads(Spread(0.90, 0.01, 3), Spread(101.0, 5.0, 3))
    heavy = spreads(Spread(0.95, 0.01, 3), Spread(200.0, 5.0, 3))
    assert verdicts(best, worst) == {"accuracy": "more accurate", "spikes": "within the spread"}
    assert verdicts(worst, best)["accuracy"] == "less accurate"
    assert verdicts(heavy, best)["spikes"] == "more spikes"
    assert compared("Winner", best, "SRB_k3", heavy) == (
        "Winner against SRB_k3: accuracy within the spread of the seeds; fewer spikes"
    )


def test_a_summary_survives_a_json_file() -> None:
    results = [result(0.9, 100, 0.1), result(0.92, 140, 0.2), result(0.97, 90, 0.3)]
    whole = json.loads(json.dumps({**results[0], **summary(results)}))
    assert whole["seeds"] == 3
    assert whole["accuracy"] == 0.9  # the first seed's, as before
    assert spreads_of(whole) == {name: spread([one[name] for one in results]) for name in MEASURED}
    assert without_summary(whole) == results[0]


def test_a_result_without_a_summary_is_a_single_seeds() -> None:
    alone = result(0.9)
    assert summary([alone]) == {}
    assert spreads_of(alone)["accuracy"].mean == 0.9
    assert spreads_of(alone)["accuracy"].count == 1
