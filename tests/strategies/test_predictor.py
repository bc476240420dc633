"""The search by a predictor over stub landscapes; what every search must do is in test_searches."""

import itertools
import math
from collections.abc import Mapping
from functools import partial
from random import Random
from statistics import fmean
from types import MappingProxyType

import numpy as np
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import (
    Choices,
    Evaluated,
    History,
    Metrics,
    PredictorSearch,
    predicted_ranks,
)
from autosnn_nni.strategies.generations import run_alone

SPACE = Choices([("a", "b", "c")] * 5)
EVERY = list(itertools.product(*SPACE))
#: Thirty random architectures first, and generations of ten.
SEARCH = partial(PredictorSearch, initial=30, population=10, rounds=20)
LARGE = Choices([("a", "b", "c", "d", "e")] * 8)


def answer(fitness: float, spikes: float = 1.0) -> Metrics:
    return {"default": fitness, "accuracy": 0.5, "spikes": spikes}


def plain(
    ranked: list[Architecture],
    others: list[Architecture],
    known: Mapping[Architecture, list[float]] = MappingProxyType({}),
) -> list[float]:
    """Ridge regression by its definition: the weights with the lowest loss, by the gradient.

    What is known are further features.
    """
    slots = list(enumerate(SPACE))
    alone = [((place, name),) for place, names in slots for name in names]
    pairs = [
        ((i, a), (j, b))
        for (i, ones), (j, others_) in itertools.combinations(slots, 2)
        for a, b in itertools.product(ones, others_)
    ]

    def features(blocks: Architecture) -> list[float]:
        def fits(feature: tuple[tuple[int, str], ...]) -> bool:
            return all(blocks[place] == name for place, name in feature)

        return [
            *(float(blocks.count(name)) for name in "abc"),
            *(1.0 * fits(one) for one in alone),
            *(0.5 * fits(one) for one in pairs),
            *known.get(blocks, []),
        ]

    x, ranks = np.array([features(one) for one in ranked]), np.linspace(0.5, -0.5, len(ranked))
    weights = np.zeros(x.shape[1])
    for _ in range(3000):
        weights -= 0.01 * (x.T @ (x @ weights - ranks) + weights)
    return [float(np.dot(features(one), weights)) for one in others]


def test_predictions_are_those_of_ridge_regression() -> None:
    ranked = Random(0).sample(EVERY, 12)
    others = [one for one in EVERY if one not in ranked][:40]
    found = predicted_ranks(ranked, others, SPACE)
    np.testing.assert_allclose(found, plain(ranked, others), atol=1e-6)


def test_what_is_known_of_all_is_a_feature_by_its_rank() -> None:
    ranked = Random(0).sample(EVERY, 12)
    others = [one for one in EVERY if one not in ranked][:40]
    numbers = Random(1).sample(range(1000), len(EVERY))
    known = {
        one: (float(number), number // 500) for one, number in zip(EVERY, numbers, strict=True)
    }
    # 5 times the share of those below, and half of those alike.
    ranks = {
        one: [
            5 * (fmean((b < a) + (b == a) / 2 for b in column) - 0.5)
            for a, column in zip(own, zip(*known.values(), strict=True), strict=True)
        ]
        for one, own in known.items()
    }
    found = predicted_ranks(ranked, others, SPACE, known)
    np.testing.assert_allclose(found, plain(ranked, others, ranks), atol=1e-6)


def test_what_is_not_known_of_any_changes_nothing() -> None:
    ranked, others = EVERY[:9], EVERY[9:]
    found = predicted_ranks(ranked, others, SPACE, dict.fromkeys(EVERY, (math.nan,)))
    np.testing.assert_allclose(found, predicted_ranks(ranked, others, SPACE))


def test_many_are_predicted_as_one_is() -> None:
    ranked = LARGE.unseen(Random(0), 20, set())
    others = LARGE.unseen(Random(1), 2_001, set())
    found = predicted_ranks(ranked, others, LARGE)
    for place in (0, 1_999, 2_000):
        (alone,) = predicted_ranks(ranked, [others[place]], LARGE)
        assert found[place] == pytest.approx(alone)


def test_if_blocks_add_up_it_finds_the_best_at_once() -> None:
    history = run_alone(SEARCH(), SPACE, lambda one: answer(sum(map(ord, one))), 40)
    assert history.top(1)[0].blocks == ("c",) * 5
    assert history.top(1)[0].generation == 4


def test_one_of_every_generation_is_random() -> None:
    history = run_alone(SEARCH(), SPACE, lambda one: answer(sum(map(ord, one))), 40)
    ranked = [one.blocks for one in History(history[:30]).top(30)]
    left = [one for one in EVERY if one not in set(ranked)]
    best = [left[place] for place in np.argsort(-predicted_ranks(ranked, left, SPACE))[:9]]
    last = [one.blocks for one in history[30:]]
    assert set(last[:9]) == set(best)
    assert last[9] not in best


def test_a_generation_of_one_is_the_predictors() -> None:
    search = PredictorSearch(population=1, initial=20, rounds=25)
    history = run_alone(search, SPACE, lambda one: answer(sum(map(ord, one))))
    assert max(one.fitness for one in history[20:]) > max(one.fitness for one in history[:20])


def test_what_breaks_a_constraint_is_not_what_it_looks_for() -> None:
    def ask(blocks: Architecture) -> Metrics:
        return answer(sum(map(ord, blocks)), spikes=100.0 * blocks.count("c"))

    free, bound = (run_alone(SEARCH(max_spikes=most), SPACE, ask, 60) for most in (None, 100))
    assert all(one.spikes > 100 for one in free[30:39])
    assert sum(one.spikes <= 100 for one in bound[30:39]) > 4
    best = bound.top(1, SEARCH(max_spikes=100))[0]
    assert sorted(best.blocks) == ["b", "b", "b", "b", "c"]


def test_of_a_large_space_a_sample_is_predicted() -> None:
    found = [
        run_alone(SEARCH(seed=seed), LARGE, lambda one: answer(sum(map(ord, one))), 60)
        for seed in (0, 0, 1)
    ]
    first, again, other = ([one.blocks for one in history] for history in found)
    assert first == again != other
    assert found[0].top(1)[0].fitness > 8 * ord("d")


def test_by_default_it_learns_from_ten_on_five_at_a_time() -> None:
    history = run_alone(PredictorSearch(), SPACE, lambda one: answer(sum(map(ord, one))))
    assert len(history) == 200
    first = [one.blocks for one in history[:10]]
    left = [one for one in EVERY if one not in first]
    ranked = [one.blocks for one in History(history[:10]).top(10)]
    best = [left[place] for place in np.argsort(-predicted_ranks(ranked, left, SPACE))[:4]]
    assert {one.blocks for one in history[10:14]} == set(best)
    assert [one.generation for one in history[:15]] == [1] * 5 + [2] * 5 + [3] * 5


def test_when_the_space_is_used_up_it_ends() -> None:
    history = run_alone(SEARCH(rounds=99), SPACE, lambda one: answer(ord(one[0])))
    assert history.seen == set(EVERY)


@pytest.mark.parametrize("wrong", [{"initial": 0}, {"population": 0}, {"rounds": 0}])
def test_sizes_are_at_least_1(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="must be at least 1"):
        PredictorSearch(**wrong)


def test_fitnesses_that_are_all_alike_are_no_error() -> None:
    history = History(Evaluated(one, 1.0, 1, accuracy=math.nan, spikes=1.0) for one in EVERY[:30])
    assert len(SEARCH().propose(SPACE, history)) == 10


def test_blocks_of_one_place_alone_are_counted_too() -> None:
    mixed = Choices([("a", "b"), ("b", "c"), ("T4", "T8")])
    every = list(itertools.product(*mixed))
    ranked = sorted(every, key=lambda one: (one.count("b"), one[2] == "T4"), reverse=True)
    found = predicted_ranks(ranked, every, mixed)
    assert every[np.argmax(found)] == ("b", "b", "T4")
    assert found[every.index(("b", "c", "T4"))] > found[every.index(("a", "c", "T4"))]


def test_the_best_ones_alone_are_asked_whether_they_are_allowed() -> None:
    """That may take long to tell: a network is built and mapped to a chip."""
    asked: list[Architecture] = []

    def allowed(blocks: Architecture) -> bool:
        asked.append(blocks)
        return blocks.count("c") < 4

    history = History(
        Evaluated(one, sum(map(ord, "".join(one))), 1, accuracy=0.5, spikes=1.0)
        for one in EVERY[:30]
    )
    proposed = SEARCH().propose(SPACE.only(allowed), history)
    assert len(proposed) == 10
    assert all(one.count("c") < 4 for one in proposed)
    assert len(asked) < 60
    unseen = [one for one in EVERY[30:] if one.count("c") < 4]
    ranked = [one.blocks for one in history.top(30)]
    best = np.argsort(-predicted_ranks(ranked, unseen, SPACE), kind="stable")[:9]
    assert proposed[:9] == [unseen[place] for place in best]
