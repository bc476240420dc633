"""Supernets judged on a table: how they rank the whole space, and what is found with them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from random import Random
from typing import Any

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.pipeline import Pipeline
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.supernet_scorer import SupernetScorer
from autosnn_nni.scoring.evaluation import metrics
from autosnn_nni.scoring.ranking import Judged
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import (
    Finalists,
    Fitness,
    History,
    Measurements,
    Metrics,
    knee,
    make_search,
)
from autosnn_nni.strategies.generations import run_alone
from autosnn_nni.table.scores import Scores, Truth, check_fitness
from autosnn_nni.table.table import Table

#: Without a supernet, so many random architectures are trained, and the fittest is taken.
TRAINED = 10
#: The settings of networks and images that a supernet must share with a table.
_SAME = (
    *("dataset", "size", "images", "space", "channels", "timesteps", "neuron", "averages"),
    "candidates",
)
#: The searches that use a supernet: those of Table 5, and the predictor.
_SEARCHES = ("random", "evolution", "predictor")
#: Rows of Table 5: the fittest of an evolution, its knee, and its winner after so many finalists.
EVOLUTION = "supernet, evolution"
KNEE = f"{EVOLUTION}, knee"
AFTER_FINALISTS = {count: f"{EVOLUTION}, {count} finalists and the knee" for count in (3, 10)}

#: What a search, by its name, evaluates with a supernet and a seed.
_Searched = Callable[[str, int], History]


def check_comparable(run: RunDirectory, table: Table) -> None:
    """Raise :class:`UserError` unless the run's networks and images are those of a whole table.

    The fitness must be one that tables know. How the supernet is trained is its own matter.
    """
    table.check_whole()
    check_fitness(run.settings.fitness)
    own, other = run.settings, table.plan.settings
    for name in _SAME:
        if (mine := getattr(own, name)) != (theirs := getattr(other, name)):
            raise UserError(
                f"{run.path} can't be judged on this table: its {name} is {mine!r}, the table's "
                f"{theirs!r}"
            )


def judge_supernet(pipeline: Pipeline, table: Table) -> list[Judged]:
    """Score every architecture of the table with the run's supernet, beside the table's tests."""
    scorer = SupernetScorer(pipeline.run, pipeline.machine, pipeline.data)
    scores = scorer.evaluate_population(table.architectures)
    return judged_on(table, [(one.accuracy, one.spikes) for one in scores])


def judged_on(table: Table, scores: Sequence[tuple[float, float]]) -> list[Judged]:
    """Accuracies and spikes of all architectures of ``table``, in order, beside its tests.

    The tests are those with each seed that all have.
    """
    return [
        Judged.of(blocks, both, _tests_of(table, blocks))
        for blocks, both in zip(table.architectures, scores, strict=True)
    ]


def _tests_of(table: Table, blocks: Architecture) -> list[tuple[float, float]]:
    tests = [table.tested(blocks, seed) for seed in range(table.seeds)]
    return [(test.accuracy, test.spikes) for test in tests]


@dataclass(frozen=True)
class Inherited:
    """The answers of a supernet to a search: ``scores`` are its accuracies and spikes."""

    scores: Mapping[Architecture, tuple[float, float]]
    fitness: Fitness
    n_avg: float

    def __call__(self, blocks: Architecture) -> Metrics:
        """``default`` (the fitness), ``accuracy`` and ``spikes``, as trials report them."""
        accuracy, spikes = self.scores[blocks]
        return metrics(self.fitness, self.n_avg, Measurements(accuracy=accuracy, spikes=spikes))


def table5(
    table: Table,
    judged: Sequence[Judged],
    fitness: Fitness,
    n_avg: float,
    seeds: int = 100,
    only: Collection[str] = (),
) -> pd.DataFrame:
    """What is found with and without the supernet (the paper's Table 5): a row for each seed.

    Without it, the fittest of ten trained architectures is taken, and of all. Their trainings have
    one of the table's seeds, in turns (``seen``); all can be trained only as often as it has seeds.
    ``only`` names some of the searches, by default all are done. ``rank`` is the place of what was
    found among all of the table, ``regret`` how much fitness the best of its Pareto front has more;
    both are means over the other seeds, on the test split.
    """
    truths = [Truth(table, fitness, seen) for seen in range(table.seeds)]
    supernet = Inherited(
        {one.blocks: (one.supernet_accuracy, one.supernet_spikes) for one in judged}, fitness, n_avg
    )
    of_all = f"all {len(table.architectures):,}, trained"

    @cache
    def history(name: str, seed: int) -> History:
        return run_alone(make_search(name, {"seed": seed}), table.choices, supernet)

    finders: dict[str, Callable[[int], Architecture]] = {
        f"{TRAINED} random, trained": partial(_best_of_trained, table, fitness),
        **{f"supernet, {name}": partial(_searched, history, name) for name in _SEARCHES},
        KNEE: partial(_knee_of, history),
        **{
            name: partial(_retrained, table, fitness, history, count)
            for count, name in AFTER_FINALISTS.items()
        },
        of_all: lambda seed: Scores(table, fitness, seed).fittest(table.architectures),
    }
    rows: list[dict[str, Any]] = []
    for name, find in finders.items():
        if only and name not in only:
            continue
        for seed in range(table.seeds if name == of_all else seeds):
            seen = seed % table.seeds
            found, truth = find(seed), truths[seen]
            place = {"rank": truth.rank(found), "regret": truth.regret(found)}
            rows.append({"search": name, "seed": seed, "seen": seen, **place})
    return pd.DataFrame(rows)


def _best_of_trained(table: Table, fitness: Fitness, seed: int) -> Architecture:
    ask = Scores(table, fitness, seed % table.seeds)
    drawn = table.choices.unseen(Random(seed), TRAINED, set())
    return ask.fittest(drawn)


def _searched(history: _Searched, name: str, seed: int) -> Architecture:
    (best,) = history(name, seed).top(1)
    return best.blocks


def _knee_of(history: _Searched, seed: int) -> Architecture:
    """The knee of what an evolution has evaluated."""
    found = knee(history("evolution", seed))
    assert found is not None  # all accuracies and spikes are known
    return found.blocks


def _retrained(
    table: Table, fitness: Fitness, history: _Searched, count: int, seed: int
) -> Architecture:
    """The fittest of an evolution's finalists, after training."""
    ask = Scores(table, fitness, seed % table.seeds)
    finalists = Finalists(history("evolution", seed), table.choices, count)
    ranked: list[Architecture] = []
    for _ in range(len(finalists)):
        ranked.append(finalists.next(ranked).blocks)
        ranked.sort(key=lambda blocks: -ask(blocks)["default"])
    return ranked[0]
