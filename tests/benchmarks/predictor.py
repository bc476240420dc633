"""A search to be judged: ``autosnn table judge TABLE --plugin tests/benchmarks/predictor.py``.

``predictor`` evaluates 30 random architectures, then those that a ridge regression ranks first. It
becomes a strategy of the package if it beats Algorithm 1 on a table, beyond the intervals.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from ridge import predicted_ranks

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import SEARCHES, Choices, History, Rounds
from autosnn_nni.strategies.generations import generation_rng

#: Up to so many architectures all are predicted, otherwise a random sample.
PREDICTED = 20_000


@dataclass(frozen=True, kw_only=True)
class Predictor(Rounds):
    """Ridge regression of the ranks on one-hot blocks and pairs of blocks.

    Of a generation one architecture is random.
    """

    rounds: int = 20
    population: int = 10
    initial: int = 30
    seed: int = 0

    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """The unseen architectures with the highest predictions."""
        rng = generation_rng(self.seed, history)
        pool = self._pool(choices, history)
        if len(history) < self.initial or not pool:
            return choices.unseen(rng, self.population, history.seen)
        ranked = [one.blocks for one in history.top(len(history))]
        predicted = predicted_ranks(ranked, pool, choices)
        best = [pool[place] for place in np.argsort(-predicted, kind="stable")]
        chosen = best[: self.population - 1]
        others = choices.unseen(rng, self.population - len(chosen), history.seen | set(chosen))
        return [*chosen, *others]

    def _pool(self, choices: Choices, history: History) -> list[Architecture]:
        if choices.size <= PREDICTED:
            every = itertools.product(*choices)
            return [one for one in every if one not in history.seen and choices.allowed(one)]
        return choices.unseen(generation_rng(self.seed + 1, history), PREDICTED, history.seen)


SEARCHES.add("predictor", Predictor)
