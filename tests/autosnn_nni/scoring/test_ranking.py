"""Kendall's tau, against counting pairs by hand."""

import itertools
import math
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosnn_nni.scoring.ranking import (
    FOR_INTERVAL,
    Agreement,
    Judged,
    agreement,
    agreements,
    best_fifth,
    ceiling,
    correlation_of,
    format_interval,
    regret,
    tau_of,
)

NUMBERS = st.lists(st.integers(0, 100), min_size=3, max_size=12, unique=True)


@settings(max_examples=10, deadline=None)
@given(NUMBERS, st.randoms(use_true_random=False))
def test_tau_is_the_surplus_of_pairs_in_the_same_order(one: list[int], random: object) -> None:
    other = list(one)
    random.shuffle(other)  # type: ignore[attr-defined]
    pairs = list(itertools.combinations(range(len(one)), 2))
    alike = sum((one[i] < one[j]) == (other[i] < other[j]) for i, j in pairs)
    found = agreement(one, other)
    assert found.tau == pytest.approx((2 * alike - len(pairs)) / len(pairs))
    assert found.count == len(one)
    if len(one) < FOR_INTERVAL:
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    else:
        assert -1 <= found.low <= found.high <= 1


def test_the_same_order_is_1_and_the_reversed_one_minus_1() -> None:
    ordered = list(range(10))
    assert agreement(ordered, ordered).tau == pytest.approx(1)
    assert agreement(ordered, ordered[::-1]).tau == pytest.approx(-1)
    assert agreement(ordered, ordered).low == pytest.approx(1)


def test_the_interval_narrows_with_the_sample() -> None:
    def width(count: int) -> float:
        found = agreement(list(range(count)), [i + 3 * (i % 3) for i in range(count)])
        assert found.low < found.tau < found.high
        return found.high - found.low

    assert width(60) < width(15) / 1.5


@pytest.mark.parametrize("one", [[1.0, 2.0], [5.0] * 6, []])
def test_without_an_order_there_is_no_tau(one: list[float]) -> None:
    found = agreement(one, list(range(len(one))))
    assert found.count == len(one)
    assert all(map(math.isnan, (found.tau, found.low, found.high)))


def judged(*accuracies: float) -> list[Judged]:
    return [
        Judged((f"b{number}",), 0.5 + accuracy / 2, 100.0 - number, accuracy, 200.0 + number)
        for number, accuracy in enumerate(accuracies)
    ]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Agreement(30, 0.5, 0.25, 0.755), "0.25 to 0.76"),
        (Agreement(4, 1.0, math.nan, math.nan), "too few"),
        (Agreement(1, math.nan, math.nan, math.nan), "too few"),
        (Agreement(5, math.nan, math.nan, math.nan), "\N{EN DASH}"),
    ],
)
def test_an_interval_is_shown_or_why_there_is_none(found: Agreement, text: str) -> None:
    assert format_interval(found) == text


@pytest.mark.parametrize(("count", "size"), [(1, 1), (5, 1), (6, 2), (30, 6)])
def test_the_best_fifth_is_the_most_accurate_from_scratch(count: int, size: int) -> None:
    rows = judged(*(number / count for number in range(count)))
    assert best_fifth(rows) == rows[::-1][:size]


def test_accuracy_and_spikes_are_ranked_among_all_and_the_best() -> None:
    rows = judged(*(number / 20 for number in range(20)))
    found = agreements(rows)
    for among in ("all", "best fifth"):
        assert found["accuracy", among].tau == pytest.approx(1)
        assert found["spikes", among].tau == pytest.approx(-1)
    assert [one.count for one in found.values()] == [20, 4, 20, 4]


@pytest.mark.parametrize(
    ("between", "of", "expected"),
    # Between two seeds, against the mean of so many; from r = sin(pi tau / 2).
    [(0.50, 2, 0.73), (0.50, 3, 0.77), (0.50, 5, 0.82), (0.59, 2, 0.78), (0.59, 3, 0.82)],
)
def test_the_ceiling_of_noise_that_is_known(between: float, of: int, expected: float) -> None:
    r, rng = math.sin(math.pi * between / 2), np.random.default_rng(0)
    truth, noise = rng.normal(size=1500), rng.normal(size=(of, 1500))
    seeds = math.sqrt(r) * truth + math.sqrt(1 - r) * noise
    found = ceiling(list(seeds))
    assert found == pytest.approx(expected, abs=0.03)
    # A perfect predictor, the truth itself, gets as far.
    assert agreement(truth, seeds.mean(0)).tau == pytest.approx(found, abs=0.03)


@given(st.floats(-0.99, 0.99))
def test_tau_and_the_correlation_follow_from_each_other(r: float) -> None:
    assert correlation_of(tau_of(r)) == pytest.approx(r)


def test_a_correlation_of_a_half_is_a_tau_of_a_third() -> None:
    assert tau_of(0.5) == pytest.approx(1 / 3)


def test_seeds_that_agree_leave_all_to_reach_and_those_that_do_not_nothing() -> None:
    ordered = list(range(8))
    assert ceiling([ordered, ordered]) == pytest.approx(1)
    assert ceiling([ordered, ordered[::-1]]) == 0
    assert math.isnan(ceiling([ordered]))
    assert math.isnan(ceiling([[1.0] * 8, ordered]))
    assert math.isnan(ceiling([[1.0, 2.0], [1.0, 2.0]]))


def with_seeds(*accuracies: tuple[float, float]) -> list[Judged]:
    """The supernet ranks them as they are given."""
    return [
        Judged.of((f"b{place}",), (1 - place / 10, 100.0 + place), [(one, 50.0), (other, 60.0)])
        for place, (one, other) in enumerate(accuracies)
    ]


def test_means_are_over_the_seeds() -> None:
    (judged,) = with_seeds((0.5, 0.7))
    assert (judged.accuracy, judged.spikes) == (pytest.approx(0.6), 55.0)
    assert judged.of_seeds == ((0.5, 50.0), (0.7, 60.0))


def test_the_share_is_of_the_ceiling() -> None:
    sample = with_seeds((0.9, 0.8), (0.8, 0.85), (0.7, 0.75), (0.6, 0.65), (0.5, 0.4))
    found = agreements(sample)["accuracy", "all"]
    assert 0 < found.ceiling < 1
    assert found.share == found.tau / found.ceiling
    assert math.isnan(agreements(sample)["accuracy", "best fifth"].ceiling)
    assert math.isnan(agreements(sample)["spikes", "all"].share)  # all are alike


def test_regret_is_of_the_supernets_first() -> None:
    sample = with_seeds((0.5, 0.5), (0.6, 0.6), (0.8, 0.7), (0.9, 0.9))
    found = regret(sample)
    assert (found.best, found.first, found.of_three) == pytest.approx((0.9, 0.5, 0.75))


@given(
    scores=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    accuracies=st.permutations([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
)
def test_what_the_supernet_ranks_alike_counts_in_every_order(
    scores: list[int], accuracies: list[float]
) -> None:
    sample = [
        Judged((f"b{place}",), score, 1.0, accuracy, 1.0)
        for place, (score, accuracy) in enumerate(zip(scores, accuracies, strict=False))
    ]
    orders = [
        sorted(order, key=lambda one: -one.supernet_accuracy)  # sorting keeps the order of ties
        for order in itertools.permutations(sample)
    ]
    found = regret(sample)
    assert found.first == pytest.approx(fmean(order[0].accuracy for order in orders))
    best = fmean(max(one.accuracy for one in order[:3]) for order in orders)
    assert found.of_three == pytest.approx(best)
