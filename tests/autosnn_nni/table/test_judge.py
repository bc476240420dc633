"""Searches on a table of 32 architectures, all of which they can see."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

import numpy as np
import pytest
from scipy import stats

from autosnn_nni.errors import UserError
from autosnn_nni.report.drawing import png
from autosnn_nni.search_spaces import to_text
from autosnn_nni.strategies import SEARCHES, Choices, Fitness, RandomSearch
from autosnn_nni.table import Table
from autosnn_nni.table.judge import (
    BUDGETS,
    EVALUATIONS,
    judge,
    own_searches,
    regret_of_all,
    summary,
)
from autosnn_nni.table.picture import regrets
from autosnn_nni.table.rivals import RIVALS
from autosnn_nni.table.scores import Scores, Truth
from tests.autosnn_nni.table.made import PLAN, made_up, table

TABLE = table()
FITNESS = Fitness(-0.2)
ENDS = made_up().query("epoch == 2 and timesteps == 2")
FRONT = [to_text(blocks) for blocks in TABLE.front()]
ALL = {**own_searches(TABLE), **RIVALS}


@pytest.mark.parametrize("name", ALL)
def test_a_search_sees_one_training_of_every_architecture(name: str) -> None:
    scores = Scores(TABLE, FITNESS, seed=1)
    seen = ALL[name](scores, TABLE.choices, 3, 20)
    assert len(seen) == 20
    ask = scores.untrained if name == "snasnet" else scores
    assert dict(seen) == {blocks: ask(blocks)["default"] for blocks, _ in seen}


@pytest.mark.parametrize("name", ALL)
def test_a_search_depends_on_its_seed_alone(name: str) -> None:
    scores = Scores(TABLE, FITNESS, seed=0)
    runs = [list(ALL[name](scores, TABLE.choices, seed, 12)) for seed in (0, 0, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[2] != runs[0] or runs[3] != runs[0]


def test_the_best_of_all_is_pandas() -> None:
    scores = Scores(TABLE, FITNESS, seed=1)
    seen = own_searches(TABLE)["exhaustive"](scores, TABLE.choices, 0, 32)
    ends = ENDS[ENDS["seed"] == 1].set_index("blocks")
    worth = ends.val_accuracy * (ends.val_spikes / TABLE.average_spikes) ** -0.2
    blocks, fitness = max(seen, key=lambda one: one[1])
    assert to_text(blocks) == worth.idxmax()
    assert fitness == pytest.approx(worth.max())


def test_regret_is_what_the_best_is_better() -> None:
    means = ENDS.groupby("blocks").mean(numeric_only=True)
    worth = means.test_accuracy * (means.test_spikes / means.test_spikes.mean()) ** -0.2
    truth = Truth(TABLE, FITNESS)
    for blocks in TABLE.architectures:
        expected = worth[FRONT].max() - worth[to_text(blocks)]
        assert truth.regret(blocks) == pytest.approx(expected, abs=1e-12)
    assert truth.regret(TABLE.optimum(-0.2)) == 0


@pytest.mark.parametrize("seen", [0, 1])
def test_what_a_search_has_seen_is_no_truth(seen: int) -> None:
    others = ENDS[ENDS["seed"] != seen].groupby("blocks").mean(numeric_only=True)
    worth = others.test_accuracy * (others.test_spikes / TABLE.average_spikes) ** -0.2
    truth = Truth(TABLE, FITNESS, seen)
    for blocks in TABLE.architectures:
        expected = worth[FRONT].max() - worth[to_text(blocks)]
        assert truth.regret(blocks) == pytest.approx(expected, abs=1e-12)


def test_the_regret_of_all_is_that_of_the_exhaustive_search() -> None:
    """The architecture that looks fittest with one seed, by the means over the others."""
    expected = []
    for seed in 0, 1:
        seen = ENDS[ENDS["seed"] == seed].set_index("blocks")
        others = ENDS[ENDS["seed"] != seed].groupby("blocks").mean(numeric_only=True)
        looks = seen.val_accuracy * (seen.val_spikes / TABLE.average_spikes) ** -0.2
        worth = others.test_accuracy * (others.test_spikes / TABLE.average_spikes) ** -0.2
        expected.append(worth[FRONT].max() - worth[looks.idxmax()])
    assert regret_of_all(TABLE, FITNESS) == pytest.approx(sum(expected) / 2, abs=1e-12)
    exhaustive = {"exhaustive": own_searches(TABLE)["exhaustive"]}
    found = summary(judge(TABLE, exhaustive, FITNESS, seeds=2))
    assert found["regret"].iloc[-1] == pytest.approx(regret_of_all(TABLE, FITNESS))


def test_a_lucky_training_is_not_what_is_found() -> None:
    noise, rng = made_up().query("seed < 2").copy(), np.random.default_rng(3)
    noise["val_spikes"] = noise["test_spikes"] = 1.0
    noise["val_accuracy"] = noise["test_accuracy"] = rng.random(len(noise))
    random = {"random": own_searches(TABLE)["random"]}
    found = summary(judge(Table.of(replace(PLAN, more_seeds=0), noise), random, FITNESS, seeds=40))
    assert found["regret"].min() > 0.3  # the luckiest is as good as any other


def test_a_part_of_a_table_is_refused() -> None:
    half = Table.of(PLAN, made_up().query("seed == 0 or blocks < 'SCB_k3, skip'"))
    with pytest.raises(UserError, match=r"the table has 8 of 32 architectures with 2 seeds"):
        judge(half, {}, FITNESS, seeds=2)
    with pytest.raises(UserError, match="no architecture of the table"):
        Table.of(PLAN, made_up().query("seed == 0")).optimum()


def test_a_table_without_the_fronts_further_seeds_is_refused() -> None:
    early = Table.of(PLAN, made_up().query("seed < 2 or blocks not in @FRONT"))
    with pytest.raises(UserError, match=r"\d architectures of the table's Pareto front"):
        judge(early, {}, FITNESS, seeds=2)


@pytest.mark.parametrize("answers", [Truth, partial(Scores, seed=0)])
def test_other_costs_than_spikes_are_refused(answers: Callable[..., object]) -> None:
    with pytest.raises(UserError, match="the cost in the fitness is spikes, not synops"):
        answers(TABLE, Fitness(-0.2, cost="synops"))


@pytest.mark.parametrize("name", ["Optuna TPE", "Optuna NSGA-II"])
def test_what_is_proposed_again_is_not_evaluated_again(name: str) -> None:
    seen = RIVALS[name](Scores(TABLE, FITNESS, seed=0), TABLE.choices, 0, 20)
    assert len(dict(seen)) == len(seen) == 20


def test_the_front_has_the_whole_hypervolume() -> None:
    truth, front = Truth(TABLE, FITNESS), TABLE.front()
    assert truth.hypervolume(front) == truth.front_share(front) == 1
    assert truth.hypervolume(TABLE.architectures) == pytest.approx(1)
    assert truth.hypervolume(front[:1]) < 1
    assert truth.front_share(front[:1]) == 1 / len(front)


def area(points: np.ndarray) -> float:
    """What points cover below the reference point, counted on a grid."""
    grid = (np.arange(1100) + 0.5) / 1000
    covered = np.zeros((1100, 1100), dtype=bool)
    for cost, spikes in points:
        covered |= np.outer(grid >= cost, grid >= spikes)
    return float(covered.sum() / 1e6)


def test_hypervolume_is_an_area() -> None:
    front = TABLE.front()
    tests = [TABLE.tested(blocks) for blocks in front]
    costs = np.array([(-test.accuracy, test.spikes) for test in tests])
    scaled = (costs - costs.min(0)) / (costs.max(0) - costs.min(0))
    expected = area(scaled[1:]) / area(scaled)
    assert Truth(TABLE, FITNESS).hypervolume(front[1:]) == pytest.approx(expected, abs=3e-3)


def test_rows_and_means() -> None:
    judged = judge(TABLE, own_searches(TABLE), FITNESS, seeds=3)
    assert len(judged) == len(SEARCHES) * 3 * len(EVALUATIONS)
    whole = judged[judged.evaluations >= 50]
    assert whole[["hypervolume", "front"]].to_numpy() == pytest.approx(1)
    assert (judged["seen"] == judged["seed"] % TABLE.seeds).all()
    found = summary(judged).set_index(["search", "evaluations"])
    one = judged[(judged.search == "random") & (judged.evaluations == 10)]
    one = one.set_index("seed")["regret"]
    assert found.loc[("random", 10), "regret"] == pytest.approx(one.mean())
    squares = (one[0] - one[2]) ** 2 / 2  # seeds 0 and 2 see the same trainings
    half = stats.t.ppf(0.975, 1) * (squares / 1 / 3) ** 0.5
    assert found.loc[("random", 10), "regret_interval"] == pytest.approx(half)
    assert png(regrets(summary(judged), 0.01)).startswith(b"\x89PNG")


@pytest.mark.usefixtures("registries")
def test_a_shorter_search_of_a_plugin_gets_more_rounds() -> None:
    def short(rounds: int = 2, seed: int = 0) -> RandomSearch:
        return RandomSearch(rounds=rounds, population=3, seed=seed)

    SEARCHES.add("short", short)
    seen = own_searches(TABLE)["short"](Scores(TABLE, FITNESS, 0), TABLE.choices, 0, 20)
    assert len({blocks for blocks, _ in seen}) == 20


def test_choices_are_the_plans() -> None:
    assert Choices([("skip", "SCB_k3")] * 5) == TABLE.choices == PLAN.choices
    assert TABLE.choices.random(Random(0)) in TABLE.architectures
    assert BUDGETS[-1] == EVALUATIONS[-1]
