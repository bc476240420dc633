"""What a search must hold."""

import itertools
import json
from collections.abc import Callable, Iterable
from random import Random

import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import PAPER_CANDIDATES, Architecture
from autosnn_nni.strategies import SEARCHES, Choices, Evaluated, History, Search
from autosnn_nni.testing.contract import Contract

Score = Callable[[Architecture], float]

#: The paper's space, a far larger one, and a tiny one.
PAPER = Choices([PAPER_CANDIDATES] * 5)
WIDE = Choices([tuple(f"b{index}" for index in range(10))] * 8)
TINY = Choices([("a", "b"), ("c",)])
_SIZES = ((1, 1, 1), (2, 2, 2), (3,), (5, 5), (1, 30), (3, 3, 3))


def noise(blocks: Architecture) -> float:
    """A fitness without any structure."""
    return Random("/".join(blocks)).random()


def evaluate(blocks: Iterable[Architecture], score: Score, generation: int) -> list[Evaluated]:
    """A generation as if it were evaluated."""
    return [Evaluated(one, score(one), generation, accuracy=0.5, spikes=100.0) for one in blocks]


def run(
    search: Search, choices: Choices, score: Score = noise, history: History | None = None
) -> tuple[History, list[list[Architecture]]]:
    """Run to the end; gives the history, and the generations that were proposed."""
    history = History() if history is None else history
    proposed = []
    while history.generations < search.rounds:
        population = search.propose(choices, history)
        if not population:
            break
        proposed.append(population)
        history.extend(evaluate(population, score, history.generations + 1))
    return history, proposed


class SearchContract(Contract):
    """Budget, seed and resuming of a search that takes ``rounds`` and ``seed``."""

    def test_by_default_it_evaluates_at_most_200_or_the_whole_space(self, name: str) -> None:
        """The paper's budget, unless a search says another one."""
        history, proposed = run(SEARCHES[name](seed=0), PAPER)
        search = SEARCHES[name]()
        assert 0 < len(history) <= max(200, search.budget(PAPER))
        assert len(proposed) <= search.rounds

    def test_no_architecture_is_evaluated_twice(self, name: str) -> None:
        """Neither in one generation nor in two."""
        _, proposed = run(SEARCHES[name](seed=1), PAPER)
        every = [blocks for population in proposed for blocks in population]
        assert len(set(every)) == len(every)

    def test_it_proposes_only_what_the_space_has(self, name: str) -> None:
        """Also where the places have different candidates."""
        choices = Choices([("a", "b"), ("c",), ("d", "e", "f", "g"), ("b", "h")])
        _, proposed = run(SEARCHES[name](seed=2), choices)
        every = {blocks for population in proposed for blocks in population}
        assert every <= set(itertools.product(*choices))

    def test_it_keeps_to_what_may_be_proposed(self, name: str) -> None:
        """``choices.allowed`` says which architectures fit a chip, for example."""
        skips = PAPER.only(lambda blocks: blocks.count("skip") >= 3)
        history, _ = run(SEARCHES[name](rounds=4, seed=0), skips)
        assert len(history) > 0
        assert all(skips.allowed(one.blocks) for one in history)

    def test_its_seed_decides_it_all(self, name: str) -> None:
        """The same seed proposes the same, another one other architectures."""
        once, again, other = (
            run(SEARCHES[name](rounds=4, seed=seed), PAPER)[1] for seed in (7, 7, 8)
        )
        assert once == again
        assert once[0] != other[0]

    def test_rounds_bound_the_generations(self, name: str) -> None:
        """``rounds`` is the number of generations at most."""
        assert run(SEARCHES[name](rounds=3, seed=0), PAPER)[0].generations <= 3

    @pytest.mark.parametrize("choices", [PAPER, WIDE, TINY], ids=["paper", "wide", "tiny"])
    def test_it_says_before_how_many_it_evaluates(self, name: str, choices: Choices) -> None:
        """``budget`` is what is evaluated."""
        search = SEARCHES[name](rounds=3, seed=0)
        assert len(run(search, choices)[0]) == search.budget(choices)

    @pytest.mark.parametrize("killed_after", [1, 2, 3])
    def test_a_restored_search_continues_as_if_never_stopped(
        self, name: str, killed_after: int
    ) -> None:
        """Its whole state is the history, as JSON."""
        whole, proposed = run(SEARCHES[name](rounds=4, seed=5), PAPER)
        half, _ = run(SEARCHES[name](rounds=killed_after, seed=5), PAPER)
        restored = History.from_json(json.loads(json.dumps(half.to_json())))
        continued, rest = run(SEARCHES[name](rounds=4, seed=5), PAPER, history=restored)
        assert rest == proposed[killed_after:]
        assert list(continued) == list(whole)

    @pytest.mark.parametrize("sizes", _SIZES, ids=str)
    def test_a_small_space_ends_it(self, name: str, sizes: tuple[int, ...]) -> None:
        """With nothing left to propose, the generation is empty."""
        choices = Choices([tuple(f"b{index}" for index in range(size)) for size in sizes])
        history, _ = run(SEARCHES[name](seed=0), choices)
        assert len(history) <= choices.size
        if len(history) == choices.size:
            assert SEARCHES[name](seed=0).propose(choices, history) == []

    @pytest.mark.parametrize("rounds", [0, -1])
    def test_no_rounds_are_refused(self, name: str, rounds: int) -> None:
        """In one line that says it."""
        with pytest.raises(UserError, match="rounds must be at least 1"):
            SEARCHES[name](rounds=rounds)
