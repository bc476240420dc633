"""Finalists over stub searches and stub trainings."""

import itertools
import math
from collections.abc import Callable
from random import Random

import pytest

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Choices, Constraints, Evaluated, Finalists, History

Score = Callable[[Architecture], float]
CHOICES = Choices([("a", "b", "c")] * 3)
EVERY = list(itertools.product(*CHOICES))
#: Fitness by name; the accuracies are those of 1, 2, 4, 8 and 16 spikes, and "q" is the knee.
LETTERS = Choices([("p", "q", "r", "s", "t")])
ACCURACIES = (0.3, 0.8, 0.82, 0.84, 0.86)


def of_letters(count: int, fitness: str = "qrpst", **bounds: float) -> Finalists:
    """``fitness`` are the names, the fittest first."""
    history = History(
        Evaluated((name,), -fitness.index(name), 1, accuracy=accuracy, spikes=2**place)
        for place, (name, accuracy) in enumerate(zip("pqrst", ACCURACIES, strict=True))
    )
    return Finalists(history, LETTERS, count, Constraints(**bounds))


def all_of(finalists: Finalists, worth: Score) -> list[Architecture]:
    """In the order in which they are trained; ``worth`` is what each is then."""
    trained: list[Architecture] = []
    for _ in range(len(finalists)):
        ranked = sorted(trained, key=worth, reverse=True)
        trained.append(finalists.next(ranked).blocks)
    return trained


@pytest.mark.parametrize(
    ("count", "bounds", "names"),
    [
        (1, {}, "q"),
        (2, {}, "qr"),
        (3, {}, "qrp"),
        (2, {"min_accuracy": 0.83}, "st"),
        (1, {"max_spikes": 1}, "p"),
        (2, {"max_spikes": 0.5}, "pq"),  # none satisfies it: the closest
        (2, {"max_spikes": 3}, "qp"),
    ],
)
def test_the_first_are_the_fittest(count: int, bounds: dict[str, float], names: str) -> None:
    found = all_of(of_letters(count, **bounds), lambda blocks: 0)
    assert "".join(name for (name,) in found) == names


@pytest.mark.parametrize(("count", "names"), [(1, "t"), (2, "tsq"), (3, "tsrq")])
def test_the_knee_is_one_of_them_unless_there_is_one_alone(count: int, names: str) -> None:
    found = all_of(of_letters(count, fitness="tsrqp"), lambda blocks: 0)
    assert "".join(name for (name,) in found) == names


def test_accuracies_that_are_not_known_have_no_knee() -> None:
    history = History(
        [
            Evaluated(("p",), 1.0, 1, accuracy=math.nan, spikes=10.0),
            Evaluated(("q",), 2.0, 1, accuracy=math.nan, spikes=5.0),
        ]
    )
    assert all_of(Finalists(history, LETTERS, 2), lambda blocks: 0) == [("q",), ("p",)]


@pytest.mark.parametrize(("count", "trained"), [(3, 3), (4, 4), (5, 5), (9, 5)])
def test_none_is_trained_twice(count: int, trained: int) -> None:
    found = all_of(of_letters(count), lambda blocks: 0)
    assert len(found) == len(set(found)) == len(of_letters(count)) == trained


def worth(blocks: Architecture) -> float:
    return sum(map(ord, blocks))


def searched(score: Score) -> History:
    """A search that has given every architecture this accuracy, and a spike for each "a"."""
    return History(
        Evaluated(blocks, score(blocks), 1, accuracy=score(blocks), spikes=blocks.count("a"))
        for blocks in EVERY
    )


@pytest.mark.parametrize("score", [worth, lambda blocks: 0.0, lambda blocks: -worth(blocks)])
def test_what_follows_is_learnt_from_those_that_are_trained(score: Score) -> None:
    best = ("c", "c", "c")
    ranked = sorted(Random(0).sample(EVERY[:-1], 12), key=worth, reverse=True)
    assert Finalists(searched(score), CHOICES, 20).next(ranked).blocks == best
    assert best in all_of(Finalists(searched(score), CHOICES, 12), worth)


def test_the_scores_of_the_search_count_if_training_agrees_with_them() -> None:
    """What the search scores are no blocks and no pairs of blocks: which three they are."""
    score = {blocks: Random(" ".join(blocks)).random() for blocks in EVERY}
    ranked = sorted(Random(0).sample(EVERY, 8), key=score.__getitem__, reverse=True)
    left = [one for one in EVERY if one not in ranked]
    found = Finalists(searched(score.__getitem__), CHOICES, 20).next(ranked)
    assert found.blocks in sorted(left, key=score.__getitem__)[-3:]


def test_constraints_are_satisfied_as_long_as_one_is_left_that_does() -> None:
    finalists = Finalists(searched(worth), CHOICES, 20, Constraints(max_spikes=0.5))
    free = [blocks for blocks in EVERY if "a" not in blocks]
    for count in range(3, len(free)):
        assert finalists.next(free[:count]).blocks in free[count:]
    assert finalists.next(free).spikes == 1
