"""Asking a table: what every architecture of a space reaches when it is trained."""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture, from_text, to_text
from autosnn_nni.strategies import Choices, Fitness, pareto_front
from autosnn_nni.table.packed import unpack
from autosnn_nni.table.plan import Plan
from autosnn_nni.table.rows import MEASURED

#: An architecture as text, its number of timesteps, and the epoch.
_Key = tuple[str, int, float]
_Row = dict[str, float]


@dataclass(frozen=True)
class Measured:
    """Results on a split: accuracy as a fraction; the rest per image, summed over timesteps."""

    accuracy: float
    spikes: float
    neuron_spikes: float
    synops: float


@dataclass(frozen=True)
class Entry:
    """What is known of an architecture after an epoch: means over ``seeds``.

    ``val`` is on D_val. ``test``, on the test split, and ``parameters`` are there after the last
    epoch, and SNASNet's ``score`` before the first; otherwise ``None``. ``seconds`` are those of
    training up to this epoch, of the processor, on one thread.
    """

    seeds: tuple[int, ...]
    seconds: float
    val: Measured
    test: Measured | None
    parameters: int | None
    score: float | None


class Tabular(ABC):
    """What is known of every architecture of a space.

    An architecture is a sequence of blocks, or their names with commas.
    """

    #: Every architecture of a whole table was trained with the seeds from 0 on, so many of them.
    seeds: int
    #: Whether it has SNASNet's score of untrained networks.
    has_scores: ClassVar[bool] = True

    @property
    @abstractmethod
    def choices(self) -> Choices:
        """The space: the candidates of every place."""

    @property
    @abstractmethod
    def architectures(self) -> Sequence[Architecture]:
        """Those that were trained with all :attr:`seeds`."""

    def check_whole(self) -> None:
        """Raise :class:`UserError` unless every architecture of the space is there."""
        there, size = len(self.architectures), self.choices.size
        if there < size:
            raise UserError(
                f"the table has {there:,} of {size:,} architectures with {self.seeds} seeds; only "
                "a whole one is the truth: let `autosnn table make` end, and pack it again"
            )

    def query(
        self,
        blocks: Sequence[str] | str,
        seed: int | None = None,
        epoch: float | None = None,
        timesteps: int | None = None,
    ) -> Entry:
        """Results of an architecture with one seed, or means over all seeds it was trained with.

        By default they are those after the last epoch. What was not trained raises
        :class:`UserError`: nothing is interpolated.
        """
        chosen = from_text(blocks) if isinstance(blocks, str) else tuple(blocks)
        return self._find(chosen, seed, epoch, timesteps)

    @abstractmethod
    def _find(
        self, blocks: Architecture, seed: int | None, epoch: float | None, timesteps: int | None
    ) -> Entry:
        """Answer :meth:`query`; ``None`` stands for what was not asked for."""

    def cost(self, blocks: Sequence[str] | str) -> float:
        """Seconds of a processor to train an architecture with one seed."""
        return self.query(blocks).seconds

    def tested(self, blocks: Sequence[str] | str, seed: int | None = None) -> Measured:
        """Results on the test split, as in :meth:`query`."""
        test = self.query(blocks, seed).test
        assert test is not None  # it is there after the last epoch
        return test

    def front(self) -> list[Architecture]:
        """The Pareto front of test accuracy and spikes, by spikes: means over the seeds."""
        return front_among({blocks: self.tested(blocks) for blocks in self.architectures})

    def optimum(self, coefficient: float = -0.08) -> Architecture:
        """The architecture with the highest fitness (Eq. 3) on the test split.

        ``coefficient`` is lambda; N_avg is the mean over the whole table.
        """
        fitness = Fitness(coefficient)
        tests = {blocks: self.tested(blocks) for blocks in self.architectures}
        average = self.average_spikes
        return max(tests, key=lambda one: fitness(tests[one].accuracy, tests[one].spikes, average))

    @cached_property
    def average_spikes(self) -> float:
        """N_avg of Eq. 3: the mean number of spikes per image over all architectures.

        Raises :class:`UserError` if no architecture was trained with all seeds.
        """
        if not self.architectures:
            raise UserError(f"no architecture of the table was trained with {self.seeds} seeds")
        return fmean(self.tested(blocks).spikes for blocks in self.architectures)

    def seeds_tau(self) -> dict[str, float]:
        """Kendall's tau between two seeds, by the name of what is ranked: the noise of the table.

        A mean over all pairs of seeds that every architecture has; NaN for a single seed.
        """
        return {name: self._tau(name) for name in ("accuracy", "spikes", "synops")}

    def _tau(self, name: str) -> float:
        seeds = range(self.seeds)
        ranked = pd.DataFrame(
            {
                seed: [getattr(self.tested(one, seed), name) for one in self.architectures]
                for seed in seeds
            }
        ).corr(method="kendall")
        pairs = [ranked[one][other] for one, other in itertools.combinations(seeds, 2)]
        return fmean(pairs) if pairs else math.nan


class Table(Tabular):
    """A table by its name (``SNN_1/fashion14``), or by the path of its JSON file.

    All that is asked for is at the plan's number of timesteps and after the last epoch, unless
    others are given.
    """

    plan: Plan
    #: All measurements: a row for each architecture, number of timesteps, seed and epoch.
    rows: pd.DataFrame

    def __init__(self, source: str | Path) -> None:
        self.plan, self.rows = unpack(source)

    @classmethod
    def of(cls, plan: Plan, rows: pd.DataFrame) -> "Table":
        """The table of these measurements."""
        table = cls.__new__(cls)
        table.plan, table.rows = plan, rows
        return table

    def check_whole(self) -> None:
        """As for every table; the Pareto front must have its further seeds as well.

        Other numbers of timesteps may be missing.
        """
        super().check_whole()
        wanted = self.plan.seeds + self.plan.more_seeds
        if few := [one for one in self.front() if len(self.query(one).seeds) < wanted]:
            raise UserError(
                f"{len(few)} architectures of the table's Pareto front lack further seeds: let "
                "`autosnn table make` end, and pack it again"
            )

    @property
    def seeds(self) -> int:  # type: ignore[override]
        """The number of seeds that every architecture is meant to have."""
        return self.plan.seeds

    @property
    def choices(self) -> Choices:
        """The space: the candidates of every TBD block."""
        return self.plan.choices

    @cached_property
    def architectures(self) -> list[Architecture]:
        """Those that were trained with all :attr:`seeds`."""
        wanted = set(range(self.seeds))
        timesteps, epoch = self._defaults
        return [
            from_text(text)
            for (text, t, at), found in self._index.items()
            if (t, at) == (timesteps, epoch) and found.keys() >= wanted
        ]

    def _find(
        self, blocks: Architecture, seed: int | None, epoch: float | None, timesteps: int | None
    ) -> Entry:
        known = self._defaults
        key = (
            to_text(blocks),
            known[0] if timesteps is None else timesteps,
            known[1] if epoch is None else epoch,
        )
        found = self._index.get(key, {})
        seeds = tuple(sorted(found)) if seed is None else (seed,)
        if not found or any(one not in found for one in seeds):
            asked = f"{key[0]} at T = {key[1]} after epoch {key[2]:g}"
            with_seed = "" if seed is None else f" with seed {seed}"
            raise UserError(f"the table has no {asked}{with_seed}; see what it has in .rows")
        return _entry(seeds, [found[one] for one in seeds])

    @property
    def _defaults(self) -> tuple[int, float]:
        return self.plan.timesteps, self.plan.epochs[-1]

    @cached_property
    def _index(self) -> dict[_Key, dict[int, _Row]]:
        """The measurements by seed, by architecture, timesteps and epoch."""
        index: dict[_Key, dict[int, _Row]] = {}
        row: Any
        for row in self.rows.to_dict("records"):
            key = row["blocks"], row["timesteps"], row["epoch"]
            index.setdefault(key, {})[row["seed"]] = row
        return index


def front_among(tests: Mapping[Architecture, Measured]) -> list[Architecture]:
    """The Pareto front of accuracy and spikes, by spikes."""
    front = pareto_front([(test.spikes, -test.accuracy) for test in tests.values()])
    architectures = list(tests)
    return [architectures[index] for index in front]


def _entry(seeds: tuple[int, ...], rows: Sequence[_Row]) -> Entry:
    parameters, score = (_mean(rows, name) for name in ("parameters", "score"))
    val = _measured(rows, "val")
    assert val is not None  # every row has it
    return Entry(
        seeds,
        fmean(row["seconds"] for row in rows),
        val,
        _measured(rows, "test"),
        None if parameters is None else int(parameters),
        score,
    )


def _measured(rows: Sequence[_Row], split: str) -> Measured | None:
    numbers = {name: _mean(rows, f"{split}_{name}") for name in MEASURED}
    known = {name: number for name, number in numbers.items() if number is not None}
    return Measured(**known) if known else None


def _mean(rows: Sequence[_Row], name: str) -> float | None:
    mean = fmean(row[name] for row in rows)
    return None if math.isnan(mean) else mean
