"""Computations on several runs: what differs, winners, seeds, times. Nothing is drawn here."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.numbers import DASH
from autosnn_nni.report.search import costs, with_accuracy
from autosnn_nni.report.theme import DASHES, SERIES, SYMBOLS
from autosnn_nni.runs.contents import Candidate, Epoch, RunContents, read_contents, read_curve
from autosnn_nni.runs.run_files import NetworkFiles, RunFiles, not_a_run
from autosnn_nni.runs.search_times import seconds_of
from autosnn_nni.runs.used_settings import used_settings
from autosnn_nni.scoring.spread import Spread, compared, spread
from autosnn_nni.strategies import ACCURACY, SPIKES, Objective, find_objective, front_of

_SEEDS = ("seed", "seeds")
_COSTS = ("spikes", "synops", "energy", "parameters", "neurons", "timesteps")


@dataclass(frozen=True)
class Compared:
    """A run of the comparison, how it is drawn, and its settings as they were used."""

    label: str
    run: RunContents
    settings: dict[str, Any]
    colour: str
    dash: str
    symbol: str


def read_runs(paths: Sequence[Path]) -> list[Compared]:
    """Read the runs; raises :class:`UserError` unless they are two or more different ones."""
    if len({path.resolve() for path in paths}) < max(2, len(paths)):
        raise UserError("give two runs or more, each of them once: autosnn compare runs/a runs/b")
    for path in paths:
        if not path.is_dir():
            raise not_a_run(RunFiles(path))
    names = [path.resolve().name for path in paths]
    labels = names if len(set(names)) == len(names) else map(str, paths)
    looks = zip(itertools.cycle(SERIES), itertools.cycle(DASHES), itertools.cycle(SYMBOLS))
    found = []
    for label, path, look in zip(labels, paths, looks, strict=False):
        contents = read_contents(path)
        found.append(Compared(label, contents, used_settings(contents.settings), *look))
    return found


def differences(runs: Sequence[Compared]) -> dict[str, list[Any]]:
    """The settings that differ, and their values run by run; ``None`` where a run has none."""
    names = dict.fromkeys(name for one in runs for name in one.settings)
    rows = {name: [one.settings.get(name) for one in runs] for name in names}
    return {name: row for name, row in rows.items() if any(value != row[0] for value in row)}


def warnings(runs: Sequence[Compared]) -> list[str]:
    """What makes the runs hard to compare, a line each."""
    found, said = differences(runs), []
    for name, noun, why in (
        ("dataset", "data set", "their accuracies can't be compared"),
        ("space", "space", "their fronts are of different networks"),
    ):
        if name in found:
            values = ", ".join(dict.fromkeys(str(value or DASH) for value in found[name]))
            said.append(f"The runs differ in the {noun} ({values}): {why}.")
    return said


def shared_cost(runs: Sequence[Compared]) -> Objective:
    """The first cost of all runs with a search; the spikes if it differs."""
    firsts = {costs(one.run)[0].name for one in runs if one.run.candidates}
    return find_objective(firsts.pop()) if len(firsts) == 1 else SPIKES


def front(one: Compared, cost: Objective) -> list[Candidate]:
    """The run's Pareto front of accuracy and ``cost``; empty without a search."""
    return front_of(with_accuracy(one.run.candidates), (ACCURACY, cost))


def winner_costs(runs: Sequence[Compared]) -> list[tuple[Objective, list[float]]]:
    """What the winners cost before they are trained from scratch, by objective, run by run."""
    named = (cost.name for one in runs if one.run.candidates for cost in costs(one.run))
    objectives = map(find_objective, dict.fromkeys([*_COSTS, *named]))
    rows = [
        (each, [each.value(one.run.best) if one.run.best else math.nan for one in runs])
        for each in objectives
    ]
    return [(each, row) for each, row in rows if any(map(math.isfinite, row))]


@dataclass(frozen=True)
class Times:
    """The seconds that the stages of a run took, as far as its files know; NaN if not at all."""

    supernet: float
    search: float
    retraining: float
    baselines: float

    @property
    def total(self) -> float:
        """The sum of those that are known."""
        every = (self.supernet, self.search, self.retraining, self.baselines)
        return sum(one for one in every if not math.isnan(one))


def times(one: Compared) -> Times:
    """The time of every stage: of trainings, that of the first seed; of finalists, that of all."""
    finalists = RunFiles(one.run.path).finalists()
    of_finalists = [epoch for each in finalists for epoch in read_curve(each.retrained_curve)]
    of_baselines = [epoch for each in one.run.baselines for epoch in each.training]
    return Times(
        supernet=_seconds(one.run.supernet),
        search=seconds_of(one.run.search_times),
        retraining=_seconds(of_finalists or one.run.training),
        baselines=_seconds(of_baselines),
    )


def _seconds(epochs: Iterable[Epoch]) -> float:
    known = [epoch.seconds for epoch in epochs]
    return sum(known) if known else math.nan


@dataclass(frozen=True)
class OfSeed:
    """The test results of a run's network, trained with one seed."""

    seed: int
    accuracy: float
    spikes: float


def of_seeds(one: Compared) -> list[OfSeed]:
    """The results of every seed whose training is done, the run's own first."""
    files = RunFiles(one.run.path)
    networks: list[NetworkFiles] = [files, *files.further_seeds()]
    results = [each.read_result() for each in networks if each.result.exists()]
    own = int(one.settings.get("seed") or 0)
    return [
        OfSeed(int(result.get("seed", own)), float(result["accuracy"]), float(result["spikes"]))
        for result in results
    ]


@dataclass(frozen=True)
class Group:
    """Runs with the same settings but for their seeds: their results over all of these."""

    labels: tuple[str, ...]
    accuracy: Spread
    spikes: Spread


def groups(runs: Sequence[Compared]) -> list[Group]:
    """The groups of two or more runs that differ in nothing but the seed.

    Networks that were given, and not found by a search, must be the same.
    """
    by_settings: dict[str, list[Compared]] = {}
    for one in runs:
        if one.run.result:
            rest = {name: value for name, value in one.settings.items() if name not in _SEEDS}
            given = () if one.run.candidates else one.run.result.blocks
            by_settings.setdefault(repr((sorted(rest.items()), given)), []).append(one)
    return [_group(alike) for alike in by_settings.values() if _differ_in_seeds(alike)]


def _differ_in_seeds(alike: Sequence[Compared]) -> bool:
    seeds = [result.seed for one in alike for result in of_seeds(one)]
    return len(alike) > 1 and len(set(seeds)) == len(seeds)


def _group(alike: Sequence[Compared]) -> Group:
    found = [result for one in alike for result in of_seeds(one)]
    return Group(
        tuple(one.label for one in alike),
        spread([result.accuracy for result in found]),
        spread([result.spikes for result in found]),
    )


def verdicts(runs: Sequence[Compared]) -> list[str]:
    """How the runs with several seeds differ, pair by pair, a line each."""
    pairs = itertools.combinations([one for one in runs if one.run.result], 2)
    lines = (
        compared(one.label, one.run.result.spreads, other.label, other.run.result.spreads)
        for one, other in pairs
        if one.run.result and other.run.result
    )
    return [line for line in lines if line]
