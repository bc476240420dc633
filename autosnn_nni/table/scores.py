"""What a search sees of a table, and what is true."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pymoo.indicators.hv import HV

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Fitness, Metrics
from autosnn_nni.table.table import Measured, Tabular

#: Reference point of hypervolumes: objectives are 0 at the front's best and 1 at its worst.
_REFERENCE = 1.1


@dataclass(frozen=True)
class Scores:
    """The answers of ``table`` to a search by ``fitness``: D_val after one training with ``seed``.

    N_avg of the fitness is the mean over the whole table.
    """

    table: Tabular
    fitness: Fitness
    seed: int

    def __call__(self, blocks: Architecture) -> Metrics:
        """``default`` (the fitness), ``accuracy`` and ``spikes``, as trials report them."""
        return self._metrics(self.table.query(blocks, self.seed).val)

    def untrained(self, blocks: Architecture) -> Metrics:
        """The same before training; ``default`` is SNASNet's score."""
        entry = self.table.query(blocks, self.seed, epoch=0)
        assert entry.score is not None  # it is there before the first epoch
        return {**self._metrics(entry.val), "default": entry.score}

    def _metrics(self, found: Measured) -> Metrics:
        fitness = self.fitness(found.accuracy, found.spikes, self.table.average_spikes)
        return {"default": fitness, "accuracy": found.accuracy, "spikes": found.spikes}


@dataclass(frozen=True)
class Truth:
    """What the architectures of ``table`` are worth: means over all seeds, on the test split."""

    table: Tabular
    fitness: Fitness

    @cached_property
    def worth(self) -> dict[Architecture, float]:
        """The fitness of every architecture."""
        average = self.table.average_spikes
        return {
            blocks: self.fitness(test.accuracy, test.spikes, average)
            for blocks, test in self._tests.items()
        }

    def regret(self, chosen: Architecture) -> float:
        """How much fitness the best architecture of all has more."""
        return max(self.worth.values()) - self.worth[chosen]

    def front_share(self, found: Sequence[Architecture]) -> float:
        """The share of the Pareto front that is among ``found``."""
        return len(self._front & set(found)) / len(self._front)

    def hypervolume(self, found: Sequence[Architecture]) -> float:
        """The hypervolume of ``found``, as a share of the front's."""
        return self._volume(found) / self._whole

    @cached_property
    def _tests(self) -> dict[Architecture, Measured]:
        return {blocks: self.table.tested(blocks) for blocks in self.table.architectures}

    @cached_property
    def _front(self) -> set[Architecture]:
        return set(self.table.front())

    @cached_property
    def _whole(self) -> float:
        return self._volume(list(self._front))

    def _volume(self, found: Sequence[Architecture]) -> float:
        front = self._costs(list(self._front))
        best, worst = front.min(0), front.max(0)
        scaled = (self._costs(found) - best) / np.where(worst > best, worst - best, 1.0)
        return float(HV(ref_point=np.full(2, _REFERENCE))(scaled))

    def _costs(self, found: Sequence[Architecture]) -> np.ndarray:
        tests = [self._tests[blocks] for blocks in found]
        return np.array([(-test.accuracy, test.spikes) for test in tests])
