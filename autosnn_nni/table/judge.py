"""Searches judged on a table: what each has found after so many evaluations."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

import pandas as pd

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import SEARCHES, Choices, Fitness, make_search
from autosnn_nni.strategies.generations import run_alone
from autosnn_nni.table.scores import Scores, Truth
from autosnn_nni.table.table import Tabular

#: Searches are compared after so many evaluations; the printed table shows :data:`BUDGETS`.
EVALUATIONS = (10, 20, 30, 50, 70, 100, 140, 200)
BUDGETS = (50, 100, 200)
MEASURES = ("regret", "hypervolume", "front")

#: An architecture, and the fitness that the search has seen.
Seen = tuple[Architecture, float]
#: Runs a search with a seed and for a number of evaluations; gives what it has seen, in order.
RunSearch = Callable[[Scores, Choices, int, int], Sequence[Seen]]


def own_searches(table: Tabular) -> dict[str, RunSearch]:
    """The searches of the package and of loaded plugins that can run on a table, by name."""
    return {
        name: partial(_run, name)
        for name in SEARCHES
        if table.has_scores or make_search(name, {"seed": 0}).needs_supernet
    }


def _run(name: str, scores: Scores, choices: Choices, seed: int, budget: int) -> list[Seen]:
    search = make_search(name, {"seed": seed})
    if search.budget(choices) < budget:
        rounds = math.ceil(search.rounds * budget / search.budget(choices))
        search = make_search(name, {"seed": seed, "rounds": rounds})
    ask = scores if search.needs_supernet else scores.untrained
    history = run_alone(search, choices, ask, budget)
    return [(one.blocks, one.fitness) for one in history][:budget]


def judge(
    table: Tabular, searches: Mapping[str, RunSearch], fitness: Fitness, seeds: int
) -> pd.DataFrame:
    """Run every search with seeds from 0 on; a row for each of them and of :data:`EVALUATIONS`.

    A search sees D_val after one training of an architecture: all trainings have one seed, which
    changes in turns (``seen``). The true values are means over the other seeds, on the test split.
    A ``regret`` is the fitness of the best of the Pareto front, less that of the one that looks
    fittest. A ``hypervolume`` is a share of that of the front; ``front`` is how much of it was
    evaluated: both are by the means over all seeds. Raises :class:`UserError` for a table that is
    not whole.
    """
    table.check_whole()
    truths = [Truth(table, fitness, seen) for seen in range(table.seeds)]
    most = max(EVALUATIONS)
    rows: list[dict[str, Any]] = []
    for name, run in searches.items():
        for seed in range(seeds):
            seen = seed % table.seeds
            evaluated = run(Scores(table, fitness, seen), table.choices, seed, most)
            run_as = {"search": name, "seed": seed, "seen": seen}
            rows.extend({**run_as, **row} for row in _found(truths[seen], evaluated))
    return pd.DataFrame(rows)


def regret_of_all(table: Tabular, fitness: Fitness) -> float:
    """The regret of the one that looks fittest of all, a mean over the seeds that are seen.

    It is not 0, as one training does not tell which architecture is the best.
    """
    return fmean(
        Truth(table, fitness, seed).regret(
            Scores(table, fitness, seed).fittest(table.architectures)
        )
        for seed in range(table.seeds)
    )


def summary(judged: pd.DataFrame) -> pd.DataFrame:
    """Means over the seeds, and half of their 95 % confidence intervals (``_interval``)."""
    return means(judged, ("search", "evaluations"), MEASURES)


def means(rows: pd.DataFrame, by: Sequence[str], measures: Sequence[str]) -> pd.DataFrame:
    """Means of the ``measures`` in groups of rows, and half of their 95 % intervals (Student's).

    Intervals are of the randomness of searches: how far the runs on the same trainings (``seen``)
    differ. NaN if there is one run on each.
    """
    from scipy import stats  # here, because it is slow to import

    names, columns = list(by), list(measures)
    groups = rows.groupby(names, sort=False)
    own = rows[columns] - rows.groupby([*names, "seen"])[columns].transform("mean")
    squares = own.pow(2).join(rows[names]).groupby(names, sort=False).sum()
    count = groups.size()
    free = count - groups["seen"].nunique()
    free = free.where(free > 0)
    times = pd.Series(stats.t.ppf(0.975, free), index=free.index)
    half = squares.div(free * count, axis=0).pow(0.5).mul(times, axis=0)
    return groups[columns].mean().join(half.add_suffix("_interval")).reset_index()


def _found(truth: Truth, seen: Sequence[Seen]) -> Iterator[dict[str, float]]:
    for evaluations in EVALUATIONS:
        part = seen[:evaluations]
        chosen, _ = max(part, key=lambda one: one[1])
        blocks = [one for one, _ in part]
        yield {
            "evaluations": evaluations,
            "regret": truth.regret(chosen),
            "hypervolume": truth.hypervolume(blocks),
            "front": truth.front_share(blocks),
        }
