"""NSGA-II over stub landscapes; what every search has to do is in test_searches."""

import itertools
import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymoo.indicators.hv import HV

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import PAPER_CANDIDATES, Architecture
from autosnn_nni.strategies import (
    NSGA2,
    Choices,
    Constraints,
    Evaluated,
    History,
    RandomSearch,
    Search,
    pareto_front,
)

Score = tuple[float, float]
PAPER = Choices([PAPER_CANDIDATES] * 5)
SMALL = Choices([("a", "b", "c", "d")] * 4)


def landscape(seed: int) -> dict[Architecture, Score]:
    """Accuracy saturates with what the blocks are worth, spikes grow with it, both roughly."""
    rng = Random(seed)
    worth = {(i, a): rng.random() for i in range(5) for a in PAPER_CANDIDATES}

    def score(blocks: Architecture) -> Score:
        own = Random(f"{seed}{blocks}")
        total = sum(worth[one] for one in enumerate(blocks))
        accuracy = 1 - math.exp(-total / 2) - 0.05 * own.random()
        return accuracy, 1000 * (0.5 + total + own.random())

    return {blocks: score(blocks) for blocks in itertools.product(*PAPER)}


def run(search: Search, scores: dict[Architecture, Score]) -> History:
    history = History()
    while history.generations < search.rounds:
        population = search.propose(PAPER, history)
        history.extend(generation(population, scores, history.generations + 1))
    return history


def generation(
    population: list[Architecture], scores: dict[Architecture, Score], number: int
) -> list[Evaluated]:
    return [
        Evaluated(blocks, 0.0, number, accuracy=scores[blocks][0], spikes=scores[blocks][1])
        for blocks in population
    ]


def survivors(evaluated: list[Evaluated], count: int = 10) -> set[Architecture]:
    """Deb's selection as it is written: front by front, of the last one by crowding distance."""
    rest, chosen = list(evaluated), set[Architecture]()
    while rest and len(chosen) < count:
        front = [rest[i] for i in pareto_front([(one.spikes, -one.accuracy) for one in rest])]
        distance = dict.fromkeys((one.blocks for one in front), 0.0)
        for key in (lambda one: one.accuracy), (lambda one: one.spikes):
            ordered = sorted(front, key=key)
            width = key(ordered[-1]) - key(ordered[0])
            distance[ordered[0].blocks] = distance[ordered[-1].blocks] = math.inf
            for before, one, after in zip(ordered, ordered[1:], ordered[2:], strict=False):
                distance[one.blocks] += (key(after) - key(before)) / width
        front.sort(key=lambda one: -distance[one.blocks])
        chosen |= {one.blocks for one in front[: count - len(chosen)]}
        rest = [one for one in rest if one.blocks not in distance]
    return chosen


@pytest.fixture(scope="module")
def searched() -> tuple[dict[Architecture, Score], History]:
    scores = landscape(3)
    return scores, run(NSGA2(seed=3), scores)


def test_200_architectures_are_evaluated_in_10_rounds(
    searched: tuple[dict[Architecture, Score], History],
) -> None:
    _, history = searched
    sizes = [len(list(group)) for _, group in itertools.groupby(history, lambda e: e.generation)]
    assert sizes == [20] * 10
    assert len(history.seen) == 200


def test_the_first_generation_is_the_random_search_s() -> None:
    assert NSGA2(seed=4).propose(PAPER, History()) == RandomSearch(seed=4).propose(PAPER, History())


def test_parents_survive_from_generation_to_generation() -> None:
    """Every architecture is of one block, which tells of it in its children."""
    names = tuple(f"b{number}" for number in range(30))
    choices = Choices([names] * 8)
    rng, history = Random(4), History()
    # All are on one front, so that crowding alone decides.
    scores = {(name,) * 8: (place := rng.random(), 1000 * place) for name in names}
    parents: set[Architecture] = set()
    for number in (1, 2, 3):
        children = generation([(name,) * 8 for name in names[: 10 * number][-10:]], scores, number)
        history.extend(children)
        parents = survivors([one for one in history if one in children or one.blocks in parents])
    found = {
        (block,) * 8
        for seed in range(30)
        for child in NSGA2(population=10, seed=seed).propose(choices, history)
        for block in child
        if child.count(block) > 2  # more often than mutation brings one
    }
    assert found <= parents
    assert len(found) >= 9  # the most crowded one loses every tournament
    assert not found <= survivors(list(history))  # of the whole history at once others survive


def test_it_finds_more_of_the_front_than_random_search(
    searched: tuple[dict[Architecture, Score], History],
) -> None:
    scores, _ = searched
    points = np.array(list(scores.values())) * (-1, 1)
    low, high = points.min(0), points.max(0)
    volume = HV(ref_point=np.ones(2))

    def mean_volume(make: Callable[..., Search]) -> float:
        histories = [run(make(seed=seed), scores) for seed in range(6)]
        points = [np.array([(-one.accuracy, one.spikes) for one in found]) for found in histories]
        return float(np.mean([volume((found - low) / (high - low)) for found in points]))

    assert mean_volume(NSGA2) > mean_volume(RandomSearch)


def test_constraints_draw_the_search_to_what_keeps_them() -> None:
    scores = landscape(1)
    spikes = sorted(spikes for _, spikes in scores.values())
    bounds = Constraints(max_spikes=spikes[len(spikes) // 50])  # one of fifty keeps it

    def kept(history: History) -> int:
        return sum(bounds.violation(one) == 0 for one in history)

    bound = run(NSGA2(seed=0, max_spikes=bounds.max_spikes), scores)
    free = run(NSGA2(seed=0), scores)
    assert kept(bound) > 2 * kept(free)
    assert kept(bound) > 5 * len(bound) / 50


def test_without_accuracies_it_says_what_is_wrong() -> None:
    history = History([Evaluated(("a",) * 4, 1.0, 1, accuracy=math.nan, spikes=10.0)])
    with pytest.raises(UserError, match="nsga2 needs the accuracy of every architecture") as caught:
        NSGA2().propose(SMALL, history)
    assert "\n" not in str(caught.value)


@settings(max_examples=20, deadline=None)
@given(
    population=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
    lost=st.integers(0, 9),
    max_spikes=st.none() | st.floats(1, 1000),
)
def test_any_setting_and_lost_trials_keep_to_the_budget(
    population: int, seed: int, lost: int, max_spikes: float | None
) -> None:
    search = NSGA2(rounds=5, population=population, seed=seed, max_spikes=max_spikes)
    rng, history, proposed = Random(seed), History(), 0
    while history.generations < search.rounds:
        children = search.propose(SMALL, history)
        assert len(set(children)) == len(children) == population
        assert not history.seen & set(children)
        proposed += len(children)
        alive = [one for one in children if rng.random() * 10 >= lost] or children[:1]
        scores = {one: (rng.random(), 1000 * rng.random()) for one in alive}
        history.extend(generation(alive, scores, history.generations + 1))
    assert proposed == 5 * population


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"population": 0}, "population must be at least 1"),
        ({"population": 2.5}, "population must be a whole number"),
        ({"max_spikes": 0}, "max_spikes must be positive"),
        ({"min_accuracy": 85}, "min_accuracy must be a fraction"),
    ],
)
def test_settings_that_make_no_search_are_refused(changed: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=said):
        NSGA2(**changed)  # type: ignore[arg-type]
