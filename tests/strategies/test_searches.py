"""The searches over a stub landscape: no network is trained here."""

import itertools
import math
from random import Random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import PAPER_CANDIDATES, Architecture
from autosnn_nni.strategies import (
    SEARCHES,
    Choices,
    Evolution,
    Exhaustive,
    History,
    RandomSearch,
)
from autosnn_nni.testing import SearchContract
from autosnn_nni.testing.searches import PAPER, WIDE, evaluate, noise
from autosnn_nni.testing.searches import run as search


def landscape(seed: int) -> dict[Architecture, float]:
    """Every block's own worth in every slot and, half as large, that of each pair of them."""
    rng = Random(seed)
    slots = range(len(PAPER))
    alone = {(i, a): rng.random() for i in slots for a in PAPER[i]}
    pairs = {
        (i, a, j, b): rng.random() / 2
        for i, j in itertools.combinations(slots, 2)
        for a in PAPER[i]
        for b in PAPER[j]
    }

    def score(blocks: Architecture) -> float:
        chosen = list(enumerate(blocks))
        together = sum(pairs[one + other] for one, other in itertools.combinations(chosen, 2))
        return sum(alone[one] for one in chosen) + together

    return {blocks: score(blocks) for blocks in itertools.product(*PAPER)}


def random_history(choices: Choices, count: int, seed: int = 0) -> History:
    return History(evaluate(choices.unseen(Random(seed), count, set()), noise, 1))


def crossings(parents: list[Architecture]) -> set[Architecture]:
    """Line 7 of Algorithm 1, everything that it can give."""
    return {
        one[:cut] + other[cut:]
        for one, other in itertools.permutations(parents, 2)
        for cut in range(1, len(one))
    }


class TestEverySearch(SearchContract):
    """A newly registered search is picked up here."""

    names = tuple(SEARCHES)


class TestRandomSearch:
    def test_it_has_evolution_s_budget(self) -> None:
        history, proposed = search(RandomSearch(), PAPER, noise)
        assert len(history) == 200
        assert [len(population) for population in proposed] == [20] * 10

    def test_it_pays_no_heed_to_fitness(self) -> None:
        assert search(RandomSearch(), PAPER, noise)[1] == search(RandomSearch(), PAPER, len)[1]

    def test_it_exhausts_a_small_space(self) -> None:
        choices = Choices([("a", "b", "c")] * 3)
        assert search(RandomSearch(), choices, noise)[0].seen == set(itertools.product(*choices))


class TestExhaustive:
    def test_it_evaluates_every_architecture_once(self) -> None:
        history, proposed = search(Exhaustive(), PAPER, noise)
        assert len(history) == PAPER.size == 3125
        assert history.seen == set(itertools.product(*PAPER))
        assert len(proposed) == 25

    def test_a_generation_has_its_first_blocks_in_common(self) -> None:
        _, proposed = search(Exhaustive(seed=3), PAPER, noise)
        heads = [{blocks[:2] for blocks in population} for population in proposed]
        assert all(len(head) == 1 for head in heads)
        assert len(set.union(*heads)) == 25

    def test_a_large_space_has_small_generations(self) -> None:
        choices = Choices([tuple("abcde")] * 8)
        assert len(Exhaustive().propose(choices, History())) == 125
        for generation, size in (3124, 125), (3125, 0):
            history = History(evaluate([("",) * 8], noise, generation))
            assert len(Exhaustive().propose(choices, history)) == size

    def test_rounds_limit_it(self) -> None:
        assert search(Exhaustive(rounds=4), PAPER, noise)[0].generations == 4


class TestEvolution:
    """Algorithm 1 of the paper (Section C)."""

    def test_its_defaults_are_the_paper_s(self) -> None:
        assert Evolution() == Evolution(
            rounds=10, population=20, mutated=10, crossed=10, top=10, mutation_ratio=0.2
        )

    def test_200_architectures_are_evaluated_in_10_rounds(self) -> None:
        history, proposed = search(Evolution(), PAPER, noise)
        assert [len(population) for population in proposed] == [20] * 10
        assert len(history) == len(history.seen) == 200

    def test_the_first_round_is_random(self) -> None:
        children = Evolution(mutated=0, crossed=0).propose(PAPER, History())
        assert Evolution().propose(PAPER, History()) == children
        assert len(set(children)) == 20
        # Line 4 is uniform: over many seeds every block is as frequent in every slot.
        firsts = [
            blocks
            for seed in range(100)
            for blocks in Evolution(seed=seed).propose(PAPER, History())
        ]
        for slot, block in itertools.product(range(5), PAPER_CANDIDATES):
            share = mean(blocks[slot] == block for blocks in firsts)
            assert abs(share - 0.2) < 4 * math.sqrt(0.2 * 0.8 / len(firsts))

    def test_mutants_come_from_the_top_alone(self) -> None:
        history = random_history(WIDE, 60)
        top = [one.blocks for one in history.top(4)]
        evolution = Evolution(mutated=20, crossed=0, top=4, mutation_ratio=0.1)
        for seed in range(10):
            children = Evolution(**{**vars(evolution), "seed": seed}).propose(WIDE, history)
            # 6 of 8 blocks changed at a ratio of 0.1: less than one in 10,000.
            assert all(_nearest(child, top) <= 5 for child in children)
        others = WIDE.unseen(Random(1), 200, history.seen)
        assert mean(_nearest(other, top) for other in others) > 5

    def test_blocks_mutate_at_the_mutation_ratio(self) -> None:
        choices = Choices([("a", "b", "c", "d")] * 40)
        parent = choices.random(Random(0))
        history = History(evaluate([parent], noise, 1))
        changed: list[str] = []
        children = 0
        for seed in range(50):
            evolution = Evolution(mutated=20, crossed=0, mutation_ratio=0.2, seed=seed)
            for child in evolution.propose(choices, history):
                children += 1
                changed += [new for new, old in zip(child, parent, strict=True) if new != old]
        assert children == 1000
        assert len(changed) / (children * 40) == pytest.approx(0.2, abs=0.008)  # 4 sigma

    def test_a_mutated_block_becomes_any_other_candidate_equally_often(self) -> None:
        choices = Choices([("a", "b", "c", "d")] * 40)
        history = History(evaluate([("a",) * 40], noise, 1))
        evolution = Evolution(mutated=20, crossed=0, mutation_ratio=1)
        blocks = [block for child in evolution.propose(choices, history) for block in child]
        assert set(blocks) == {"b", "c", "d"}
        for name in "bcd":
            assert blocks.count(name) / len(blocks) == pytest.approx(1 / 3, abs=0.07)  # 4 sigma

    def test_without_mutation_every_child_is_a_random_fill_up(self) -> None:
        history = random_history(WIDE, 20)
        mutants = Evolution(mutated=20, crossed=0, mutation_ratio=0)
        children = [
            child
            for seed in range(10)
            for child in Evolution(**{**vars(mutants), "seed": seed}).propose(WIDE, history)
        ]
        assert len(children) == 200
        assert not history.seen & set(children)
        parents = [one.blocks for one in history]
        strangers = WIDE.unseen(Random(0), 200, history.seen)
        near = mean(_nearest(child, parents) for child in children)
        assert near == pytest.approx(mean(_nearest(one, parents) for one in strangers), abs=0.2)

    def test_children_by_crossover_are_the_head_of_one_parent_and_the_tail_of_another(
        self,
    ) -> None:
        history = random_history(WIDE, 60)
        top = [one.blocks for one in history.top(5)]
        evolution = Evolution(mutated=0, crossed=20, top=5)
        found: set[Architecture] = set()
        for seed in range(30):
            children = Evolution(**{**vars(evolution), "seed": seed}).propose(WIDE, history)
            assert len(children) == 20
            found |= set(children)
        # Each of the crossings of P_top comes up, at every cut from 1 to N - 1, and nothing else.
        assert found == crossings(top) - history.seen

    def test_crossover_is_filled_up_at_random_when_it_has_nothing_new(self) -> None:
        parents = [("b0",) * 8, ("b0",) * 7 + ("b1",)]  # crossing them gives only themselves
        history = History(evaluate(parents, noise, 1))
        children = Evolution(mutated=0, crossed=20).propose(WIDE, history)
        assert len(set(children)) == 20
        assert not history.seen & set(children)

    def test_a_generation_is_mutants_and_crossings(self) -> None:
        history = random_history(WIDE, 40)
        top = [one.blocks for one in history.top(10)]
        children = Evolution().propose(WIDE, history)
        assert len(children) == 20
        by_crossover = [child for child in children if child in crossings(top)]
        assert len(by_crossover) >= 10
        rest = [child for child in children if child not in crossings(top)]
        assert rest
        assert all(_nearest(child, top) <= 6 for child in rest)

    def test_parents_are_the_best_k_of_all_rounds(self) -> None:
        blocks = WIDE.unseen(Random(0), 6, set())
        scores = dict(zip(blocks, [0.9, 0.1, 0.2, 0.8, 0.3, 0.4], strict=True))
        history = History(evaluate(blocks[:3], scores.__getitem__, 1))
        history.extend(evaluate(blocks[3:], scores.__getitem__, 2))
        children = Evolution(mutated=0, crossed=10, population=10, top=2).propose(WIDE, history)
        assert set(children) <= crossings([blocks[0], blocks[3]])

    def test_every_generation_s_parents_are_the_top_of_what_came_before(self) -> None:
        """A plain replay of lines 3 to 15 over a whole search, by crossover alone."""
        evolution = Evolution(mutated=0, crossed=12, population=12, top=6, rounds=6)
        _, proposed = search(evolution, WIDE, noise)
        done: list[Architecture] = list(proposed[0])
        for population in proposed[1:]:
            top = sorted(done, key=noise, reverse=True)[:6]
            possible = crossings(top) - set(done)
            by_crossover = [child for child in population if child in possible]
            # A child is from elsewhere only where ten draws a child gave nothing new.
            assert len(by_crossover) == 12 or len(possible) < 60
            done += population

    def test_every_round_has_its_own_random_numbers(self) -> None:
        blocks = WIDE.unseen(Random(0), 20, set())
        second, third = (History(evaluate(blocks, noise, rounds)) for rounds in (1, 2))
        assert Evolution().propose(WIDE, second) != Evolution().propose(WIDE, third)

    def test_one_parent_is_no_pair_to_cross(self) -> None:
        assert len(Evolution(top=1).propose(PAPER, random_history(PAPER, 5))) == 20

    def test_a_space_of_one_block_has_nothing_to_cross(self) -> None:
        choices = Choices([tuple("abcdefghij")])
        assert search(Evolution(), choices, noise)[0].seen == set(itertools.product(*choices))

    @pytest.mark.parametrize("slots", [1, 2, 3, 4])
    def test_it_exhausts_a_small_space(self, slots: int) -> None:
        choices = Choices([("a", "b", "c")] * slots)
        history, _ = search(Evolution(), choices, noise)
        assert history.seen == set(itertools.product(*choices))

    @settings(max_examples=60, deadline=None)
    @given(
        sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
        mutated=st.integers(0, 8),
        crossed=st.integers(0, 8),
        more=st.integers(0, 8),
        top=st.integers(1, 12),
        ratio=st.floats(0, 1),
        seed=st.integers(0, 1000),
    )
    def test_any_setting_keeps_to_its_budget_and_never_repeats(
        self,
        sizes: list[int],
        mutated: int,
        crossed: int,
        more: int,
        top: int,
        ratio: float,
        seed: int,
    ) -> None:
        choices = Choices([tuple(f"b{index}" for index in range(size)) for size in sizes])
        evolution = Evolution(
            rounds=5,
            population=mutated + crossed + more + 1,
            mutated=mutated,
            crossed=crossed,
            top=top,
            mutation_ratio=ratio,
            seed=seed,
        )
        history, proposed = search(evolution, choices, noise)
        assert len(history) == min(5 * evolution.population, choices.size)
        assert all(len(population) <= evolution.population for population in proposed)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"population": 0, "mutated": 0, "crossed": 0}, "population"),
            ({"population": 10}, "population"),
            ({"mutated": -1}, "mutated"),
            ({"crossed": -1}, "crossed"),
            ({"top": 0}, "top"),
            ({"mutation_ratio": 1.1}, "mutation_ratio"),
            ({"mutation_ratio": float("nan")}, "mutation_ratio"),
        ],
    )
    def test_settings_that_make_no_evolution_are_refused(
        self, changed: dict[str, float], said: str
    ) -> None:
        with pytest.raises(UserError, match=said) as caught:
            Evolution(**changed)  # type: ignore[arg-type]
        assert len(str(caught.value).splitlines()) == 1


@pytest.fixture(scope="module")
def found() -> dict[str, list[float]]:
    """Per search, how far its best is from the optimum (0), in [0, 1], on 30 landscapes."""
    gaps: dict[str, list[float]] = {"evolution": [], "random": []}
    for seed, name in itertools.product(range(30), gaps):
        scores = landscape(seed)
        best, worst = max(scores.values()), min(scores.values())
        history, _ = search(SEARCHES[name](seed=seed), PAPER, scores.__getitem__)
        assert len(history) == len(history.seen) == 200
        gaps[name].append((best - history.top(1)[0].fitness) / (best - worst))
    return gaps


class TestEvolutionAgainstRandomSearch:
    """The whole space is scored, so that the true optimum is known."""

    def test_evolution_finds_better_architectures_on_average(
        self, found: dict[str, list[float]]
    ) -> None:
        assert mean(found["evolution"]) < mean(found["random"]) / 2

    def test_evolution_wins_on_most_landscapes(self, found: dict[str, list[float]]) -> None:
        pairs = list(zip(found["evolution"], found["random"], strict=True))
        assert sum(one <= other for one, other in pairs) >= 0.8 * len(pairs)

    def test_evolution_comes_close_to_the_optimum(self, found: dict[str, list[float]]) -> None:
        assert mean(found["evolution"]) < 0.03

    def test_its_generations_improve(self) -> None:
        scores = landscape(0)
        _, proposed = search(Evolution(), PAPER, scores.__getitem__)
        means = [mean(scores[blocks] for blocks in population) for population in proposed]
        assert mean(means[5:]) > means[0]


def _nearest(blocks: Architecture, others: list[Architecture]) -> int:
    """In how many blocks it differs from the one that is most like it."""
    return min(sum(a != b for a, b in zip(blocks, other, strict=True)) for other in others)
