"""A search by a predictor: ridge regression of ranks, on counts, places and pairs of blocks."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.generations import ConstrainedRounds, check_sizes, generation_rng
from autosnn_nni.strategies.history import History

#: Weight of the ridge; the ranks that are learnt are from -0.5 to 0.5.
RIDGE = 1.0
#: Weight of a pair of blocks, where a block at its place has 1.
PAIRS = 0.5
#: Weight of what is known of an architecture beside its blocks, whose features are 0 and 1.
KNOWN = 5.0
#: Up to so many architectures all are predicted, otherwise a random sample.
PREDICTED = 20_000
#: Predictions are made for so many at a time.
_AT_ONCE = 2_000


@dataclass(frozen=True, kw_only=True)
class PredictorSearch(ConstrainedRounds):
    """Evaluates what a regression on everything evaluated so far ranks first.

    The first ``initial`` architectures are random, and later one of every generation, so that the
    regression also learns what it does not expect. With constraints, infeasible architectures rank
    last.
    """

    rounds: int = 40
    population: int = 5
    initial: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(rounds=self.rounds, population=self.population, initial=self.initial)

    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """The unseen architectures with the highest predictions, then random ones."""
        rng = generation_rng(self.seed, history)
        best = [] if len(history) < self.initial else self._predicted(choices, history)
        missing = self.population - len(best)
        return [*best, *choices.unseen(rng, missing, history.seen | set(best))]

    def _predicted(self, choices: Choices, history: History) -> list[Architecture]:
        pool = self._pool(choices, history)
        if not pool:
            return []
        ranked = [one.blocks for one in history.top(len(history), self)]
        order = np.argsort(-predicted_ranks(ranked, pool, choices), kind="stable")
        # Whether one is allowed may take long to tell: the best are asked first.
        allowed = (pool[place] for place in order if choices.allowed(pool[place]))
        return list(itertools.islice(allowed, max(self.population - 1, 1)))

    def _pool(self, choices: Choices, history: History) -> list[Architecture]:
        """Unseen architectures, allowed or not."""
        if choices.size > PREDICTED:
            rng = generation_rng(self.seed + 1, history)
            return Choices(choices).unseen(rng, PREDICTED, history.seen)
        return [one for one in itertools.product(*choices) if one not in history.seen]


def predicted_ranks(
    ranked: Sequence[Architecture],
    others: Sequence[Architecture],
    choices: Choices,
    known: Mapping[Architecture, Sequence[float]] = MappingProxyType({}),
) -> np.ndarray:
    """What ridge regression on the ``ranked`` ones, the best one first, says of ``others``.

    Ranks are from 0.5, the best, to -0.5. The features are how often there is each block, a one for
    every block at its place, and half a one for every pair of blocks. What is ``known`` of all
    architectures, such as a supernet's scores, is a feature by its rank among them.
    """
    of_known = dict(zip(known, _ranks(known), strict=True)) if known else {}

    def features(architectures: Sequence[Architecture]) -> np.ndarray:
        of_blocks = _features(architectures, choices)
        if not of_known:
            return of_blocks
        return np.hstack([of_blocks, KNOWN * np.array([of_known[one] for one in architectures])])

    seen = features(ranked)
    ranks = np.linspace(0.5, -0.5, len(ranked))
    # The dual form: there are fewer architectures than features.
    weights = seen.T @ np.linalg.solve(seen @ seen.T + RIDGE * np.eye(len(seen)), ranks)
    parts = [others[start : start + _AT_ONCE] for start in range(0, len(others), _AT_ONCE)]
    return np.concatenate([features(part) @ weights for part in parts])


def _ranks(known: Mapping[Architecture, Sequence[float]]) -> np.ndarray:
    """The ranks of what is known of each: from -0.5 to 0.5, ties and what is NaN in the middle."""
    from scipy import stats  # here, because it is slow to import

    places = stats.rankdata(list(known.values()), axis=0)
    return np.nan_to_num((places - 0.5) / len(known) - 0.5)


def _features(architectures: Sequence[Architecture], choices: Choices) -> np.ndarray:
    places = [
        np.array([names.index(blocks[place]) for blocks in architectures])
        for place, names in enumerate(choices)
    ]
    alone = [np.eye(len(names))[codes] for codes, names in zip(places, choices, strict=True)]
    pairs = [
        PAIRS * (one[:, :, None] * other[:, None, :]).reshape(len(architectures), -1)
        for one, other in itertools.combinations(alone, 2)
    ]
    return np.concatenate([_counts(alone, choices), *alone, *pairs], axis=1)


def _counts(alone: Sequence[np.ndarray], choices: Choices) -> np.ndarray:
    """How often an architecture has each block, wherever it may be."""
    columns: dict[str, list[np.ndarray]] = {}
    for place, names in zip(alone, choices, strict=True):
        for column, name in zip(place.T, names, strict=True):
            columns.setdefault(name, []).append(column)
    return np.stack([np.sum(found, axis=0) for found in columns.values()], axis=1)
