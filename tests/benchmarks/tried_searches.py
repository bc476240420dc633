"""Searches that were tried and are not in the package, as a plugin for the judge.

    autosnn table judge TABLE --plugin tests/benchmarks/tried_searches.py

``local`` is a local search, as White et al. 2021 (arXiv 2005.02960) propose for tables.
``predictor_30_10`` and so on are the predictor with so many random architectures first, and
generations of so many.
"""

from dataclasses import dataclass
from functools import partial

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import SEARCHES, Choices, History, PredictorSearch, Rounds
from autosnn_nni.strategies.generations import generation_rng


@dataclass(frozen=True, kw_only=True)
class LocalSearch(Rounds):
    """Ten random ones, then neighbours of the fittest that has any left: one block is another."""

    rounds: int = 200
    population: int = 1
    initial: int = 10
    seed: int = 0

    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """The next generation: neighbours, in random order."""
        rng = generation_rng(self.seed, history)
        if len(history) < self.initial:
            return choices.unseen(rng, self.population, history.seen)
        for one in history.top(len(history)):
            left = [
                other for other in _neighbours(one.blocks, choices) if other not in history.seen
            ]
            if left:
                return rng.sample(left, min(self.population, len(left)))
        return []


def _neighbours(blocks: Architecture, choices: Choices) -> list[Architecture]:
    return [
        (*blocks[:place], other, *blocks[place + 1 :])
        for place, names in enumerate(choices)
        for other in names
        if other != blocks[place]
    ]


SEARCHES.add("local", LocalSearch)
for initial, population in ((10, 10), (20, 10), (30, 10)):
    sizes = {"initial": initial, "population": population, "rounds": 200 // population}
    SEARCHES.add(f"predictor_{initial}_{population}", partial(PredictorSearch, **sizes))
