"""Which architectures of a search are trained from scratch before one is named the winner."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.constraints import NO_CONSTRAINTS, Constraints
from autosnn_nni.strategies.history import Evaluated, History
from autosnn_nni.strategies.objectives import SPIKES, Objective
from autosnn_nni.strategies.pareto import knee
from autosnn_nni.strategies.predictor import predicted_ranks

#: So many are the fittest of the search; the others are learnt from how these train.
FITTEST = 3


@dataclass(frozen=True)
class Finalists:
    """The fittest ``count`` architectures of a search, up to three; the knee; then what is learnt.

    With a ``count`` of 1 it is the fittest alone. ``choices`` is the space of the search, ``cost``
    the objective of the knee beside accuracy. What satisfies the ``constraints`` comes first.
    """

    history: History
    choices: Choices
    count: int
    constraints: Constraints = NO_CONSTRAINTS
    cost: Objective = SPIKES

    def __len__(self) -> int:
        """How many there are, with the knee."""
        return min(len(self._first) + max(self.count - FITTEST, 0), len(self.history))

    def next(self, trained: Sequence[Architecture]) -> Evaluated:
        """The next one, from those that are ``trained``: all so far, the best first."""
        if len(trained) < len(self._first):
            return self._first[len(trained)]
        left = [one for one in self.history if one.blocks not in trained]
        predicted = self._predicted(trained, [one.blocks for one in left])
        ranked = zip(left, predicted, strict=True)
        best, _ = min(ranked, key=lambda pair: self.constraints.rank(*pair))
        return best

    @cached_property
    def _first(self) -> list[Evaluated]:
        fittest = self.history.top(min(self.count, FITTEST), self.constraints)
        allowed = [one for one in self.history if not self.constraints.violation(one)]
        middle = knee(allowed, self.cost) if self.count > 1 else None
        return fittest if middle is None or middle in fittest else [*fittest, middle]

    def _predicted(
        self, trained: Sequence[Architecture], others: Sequence[Architecture]
    ) -> list[float]:
        scores = {one.blocks: (one.fitness, one.accuracy, one.spikes) for one in self.history}
        found: list[float] = predicted_ranks(trained, others, self.choices, scores).tolist()
        return found
