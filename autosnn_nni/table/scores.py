"""What a search sees of a table, and what is true."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from statistics import fmean

from autosnn_nni.errors import UserError
from autosnn_nni.scoring.evaluation import metrics
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Fitness, HypervolumeShare, Measurements, Metrics
from autosnn_nni.table.table import Measured, Tabular, front_among


def check_fitness(fitness: Fitness) -> None:
    """Raise :class:`UserError` for a fitness with another cost than spikes."""
    if fitness.cost != "spikes":
        raise UserError(f"on a table the cost in the fitness is spikes, not {fitness.cost}")


@dataclass(frozen=True)
class Scores:
    """The answers of ``table`` to a search by ``fitness``: D_val after one training with ``seed``.

    N_avg of the fitness is the mean over the whole table. Raises :class:`UserError` as
    :func:`check_fitness`.
    """

    table: Tabular
    fitness: Fitness
    seed: int

    def __post_init__(self) -> None:
        check_fitness(self.fitness)

    def __call__(self, blocks: Architecture) -> Metrics:
        """``default`` (the fitness), ``accuracy`` and ``spikes``, as trials report them."""
        return self._metrics(self.table.query(blocks, self.seed).val)

    def fittest(self, of: Iterable[Architecture]) -> Architecture:
        """The one that looks fittest."""
        return max(of, key=lambda blocks: self(blocks)["default"])

    def untrained(self, blocks: Architecture) -> Metrics:
        """The same before training; ``default`` is SNASNet's score."""
        entry = self.table.query(blocks, self.seed, epoch=0)
        assert entry.score is not None  # it is there before the first epoch
        return {**self._metrics(entry.val), "default": entry.score}

    def _metrics(self, found: Measured) -> Metrics:
        measured = Measurements(accuracy=found.accuracy, spikes=found.spikes, synops=found.synops)
        return metrics(self.fitness, self.table.average_spikes, measured)


@dataclass(frozen=True)
class Truth:
    """What the architectures of ``table`` are worth: means over the seeds, on the test split.

    The trainings with the seed ``seen``, which a search has looked at, are left out of a regret:
    its choices are lucky there. A table with this seed alone has no others. The Pareto front is the
    table's, of all seeds, whatever was seen.
    """

    table: Tabular
    fitness: Fitness
    seen: int | None = None

    def __post_init__(self) -> None:
        check_fitness(self.fitness)

    def regret(self, chosen: Architecture) -> float:
        """How much fitness the best architecture of the Pareto front has more.

        It can be negative: other architectures have fewer trainings, and lucky ones.
        """
        return self._best - self._worth[chosen]

    def rank(self, chosen: Architecture) -> int:
        """The place among all, from 1 on: one more than there are fitter ones."""
        worth = self._worth[chosen]
        return 1 + sum(other > worth for other in self._worth.values())

    def front_share(self, found: Sequence[Architecture]) -> float:
        """The share of the Pareto front that is among ``found``."""
        return len(self._front & set(found)) / len(self._front)

    def hypervolume(self, found: Sequence[Architecture]) -> float:
        """The hypervolume of ``found``, as a share of the front's."""
        return self._share([self._tests[blocks] for blocks in found])

    def _unseen(self, blocks: Architecture) -> Measured:
        """Means over the other seeds."""
        seeds = self.table.query(blocks).seeds
        others = [seed for seed in seeds if seed != self.seen] or seeds
        tests = [astuple(self.table.tested(blocks, seed)) for seed in others]
        return Measured(*map(fmean, zip(*tests, strict=True)))

    @cached_property
    def _worth(self) -> dict[Architecture, float]:
        """The fitness of every architecture."""
        average = self.table.average_spikes
        tests = {blocks: self._unseen(blocks) for blocks in self.table.architectures}
        return {
            blocks: self.fitness(test.accuracy, test.spikes, average)
            for blocks, test in tests.items()
        }

    @cached_property
    def _best(self) -> float:
        return max(self._worth[blocks] for blocks in self._front)

    @cached_property
    def _tests(self) -> dict[Architecture, Measured]:
        """Means over all seeds."""
        return {blocks: self.table.tested(blocks) for blocks in self.table.architectures}

    @cached_property
    def _front(self) -> set[Architecture]:
        return set(front_among(self._tests))

    @cached_property
    def _share(self) -> HypervolumeShare:
        return HypervolumeShare([self._tests[blocks] for blocks in self._front])
