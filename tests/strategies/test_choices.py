import itertools
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autosnn_nni.search_spaces import Architecture, SpikingSpace
from autosnn_nni.strategies import Choices

SPACES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(
    lambda sizes: Choices(tuple(f"b{index}" for index in range(size)) for size in sizes)
)
PAPER = Choices([("skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5")] * 5)
SQUARE = Choices([("a", "b", "c")] * 2)


def everything(choices: Choices) -> list[Architecture]:
    return list(itertools.product(*choices))


@pytest.mark.parametrize("space", ["SNN_1", "SNN_3"])
def test_choices_are_the_space_s_candidates_in_the_order_of_its_blocks(
    space: str, make_space: Callable[..., SpikingSpace]
) -> None:
    candidates = ("SRB_k3", "skip", "SCB_k3")
    model = make_space(space, candidates=candidates)
    assert Choices.of(model) == Choices([candidates] * model.config.macro.tbd_blocks)
    assert Choices.of(model).random(Random(0))


def test_timesteps_are_chosen_behind_the_blocks(make_space: Callable[..., SpikingSpace]) -> None:
    choices = Choices.of(make_space(candidates=("skip", "SRB_k3"), timesteps=(2, 4)))
    assert choices == Choices([("skip", "SRB_k3")] * 5 + [("T2", "T4")])


def test_size_counts_the_architectures() -> None:
    assert PAPER.size == 3125
    assert Choices([("a", "b"), ("c",), ("d", "e", "f")]).size == 6


@given(SPACES, st.integers())
def test_a_random_architecture_takes_one_candidate_of_each_block(
    choices: Choices, seed: int
) -> None:
    assert choices.random(Random(seed)) in everything(choices)


@given(SPACES, st.data(), st.integers(0, 300), st.integers())
def test_unseen_ones_are_new_distinct_and_as_many_as_there_are(
    choices: Choices, data: st.DataObject, count: int, seed: int
) -> None:
    space = everything(choices)
    seen = set(data.draw(st.lists(st.sampled_from(space), max_size=len(space))))
    fresh = choices.unseen(Random(seed), count, seen)
    assert len(set(fresh)) == len(fresh) == min(count, len(space) - len(seen))
    assert set(fresh) <= set(space) - seen


@given(SPACES, st.integers())
def test_the_whole_rest_is_found_when_the_space_is_nearly_exhausted(
    choices: Choices, seed: int
) -> None:
    space = everything(choices)
    assume(len(space) > 1)
    seen = set(Random(seed).sample(space, len(space) - 1))
    assert set(choices.unseen(Random(seed), 20, seen)) == set(space) - seen
    assert choices.unseen(Random(seed), 20, set(space)) == []


def test_the_last_few_of_a_large_space_are_found() -> None:
    space = everything(PAPER)
    assert sorted(PAPER.unseen(Random(0), 20, set(space[7:]))) == sorted(space[:7])


def test_the_same_random_numbers_give_the_same_architectures() -> None:
    assert PAPER.unseen(Random(3), 20, set()) == PAPER.unseen(Random(3), 20, set())
    assert PAPER.unseen(Random(3), 20, set()) != PAPER.unseen(Random(4), 20, set())


@pytest.mark.parametrize("seen", [0, 2, 6], ids=["none seen", "few seen", "most seen"])
@pytest.mark.parametrize("count", [1, 3])
def test_unseen_ones_are_uniform_over_what_is_left(seen: int, count: int) -> None:
    space = everything(SQUARE)
    known, left = set(space[:seen]), space[seen:]
    draws = 3000
    rng = Random(0)
    found = Counter(one for _ in range(draws) for one in SQUARE.unseen(rng, count, known))
    expected = draws * min(count, len(left)) / len(left)
    assert set(found) == set(left)
    assert all(abs(found[one] - expected) <= 4 * expected**0.5 for one in left)
