"""Supernets judged by a table: ``python -m tests.benchmarks.supernets train TABLE FOLDER NAME``.

A supernet is named by how its training differs from that of the table's networks, for example
``sampling=fair,loss=tet`` (``same`` is no difference). ``train`` trains each with every seed, and
writes a file of its scores of all architectures; the same command resumes. The table need not be
made yet. ``judge TABLE FOLDER --output CSV`` compares all files with the table: tau of accuracy, of
spikes and of fitness, what share of their ceiling that is, the regret of the supernet's first and
of the best of its first three, the mean rank of what evolution finds with it and its regret of
fitness (``regret``), that of its knee, that after 3 and after 10 finalists, how many of the table's
networks could have been trained in its time (``trainings``), and that for as many epochs as its own
(``times``). A picture beside it shows shares and time. Two kinds of rows are no supernets:
``skips`` only counts them (the more, the more accurate, and the fewer spikes), and ``20 trained``
and so on are ridge regressions on random networks of the table after each of its epochs
(``strategies/predictor.py``).

What is not in the package is tried here: a learning rate that falls faster for simple paths
(``decay``, the largest exponent) and moments of Adam by group of paths (``groups``), both of Jeon
et al. 2025 (arXiv 2503.10740); an exponential average of the weights (``average``, its decay); and
several supernets, each for a part of the space and with its share of the epochs: ``split=skip:0:1``
has one for paths without skips, one for those with a skip, and one for the others. Any beginning of
names of blocks will do; paths of a ``fair`` step that are in another part are left out.
"""

import argparse
import itertools
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import pandas as pd
import torch
from matplotlib.figure import Figure
from pytorch_lightning import Callback
from torch import Tensor

from autosnn_nni.data import Splits
from autosnn_nni.files import write_whole
from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.report import theme
from autosnn_nni.report.drawing import axis_titles, panels_of, png
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import load_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.scoring.ranking import Agreement, Judged, ceiling, ceilings, regret, tau
from autosnn_nni.search_spaces import Architecture, SpikingSpace, seeded, to_sample, to_text
from autosnn_nni.strategies import SAMPLINGS, Fitness, SinglePathOneShot, predicted_ranks
from autosnn_nni.table import Measured, Table
from autosnn_nni.table.plan import Plan, plan_named
from autosnn_nni.table.supernets import AFTER_FINALISTS, EVOLUTION, KNEE, judged_on, table5
from autosnn_nni.training.hyperparameters import Training
from tests.benchmarks.named import named
from tests.benchmarks.recipes import Average

#: Ridge regressions are made on so many networks, and so many of each.
TRAINED = (10, 20, 50, 100)
REGRESSIONS = 10
SKIPS = "skips"
#: Lambda of the fitness is the paper's.
FITNESS = Fitness()

Belongs = Callable[[Architecture], bool]


@dataclass(frozen=True)
class Recipe:
    """How a supernet is trained; see the module. Empty names and 0 are the table's own."""

    schedule: str = ""
    rate: float = 0.0
    batch: int = 0
    loss: str = ""
    batch_norm: str = ""
    sampling: str = "uniform"
    decay: float = 0.0
    groups: int = 1
    average: float = 0.0
    split: str = ""
    calibration: int = 0

    def training(self, plan: Plan, epochs: int, seed: int) -> Training:
        """The package's settings."""
        own = plan.settings
        return Training(
            epochs=epochs,
            batch_size=self.batch or own.batch_size,
            learning_rate=self.rate or (None if self.schedule else own.learning_rate),
            schedule=self.schedule or own.schedule,
            loss=self.loss or own.loss,
            augmentation=own.augmentation,
            seed=seed,
            device="cpu",
        )

    def scoring(self, plan: Plan) -> Scoring:
        """On the CPU, in batches of the table's size."""
        own = plan.settings
        batches = self.calibration or own.calibration_batches
        return Scoring(batch_size=own.batch_size, calibration_batches=batches, device="cpu")

    @property
    def parts(self) -> list[Belongs]:
        """The parts of the space that have a supernet each."""
        if not self.split:
            return [lambda blocks: True]
        beginning, *numbers = self.split.split(":")
        limits = [-1, *map(int, numbers), sys.maxsize]

        def between(low: int, high: int) -> Belongs:
            return lambda blocks: low < sum(one.startswith(beginning) for one in blocks) <= high

        return [between(low, high) for low, high in itertools.pairwise(limits)]


class Paths:
    """A sampling of the package that keeps to a part of the space, and remembers its last path."""

    def __init__(self, sampling: Any, belongs: Belongs) -> None:
        self.sampling, self.belongs = sampling, belongs
        self.per_step, self.distils = sampling.per_step, sampling.distils
        self.last: Architecture = ()

    def paths(self, rng: Random) -> Iterator[Architecture]:
        """Those of the sampling that belong to the part."""
        for path in filter(self.belongs, self.sampling.paths(rng)):
            self.last = path
            yield path


class ByPath(Callback):
    """The learning rate falls with ``(1 - progress) ** exponent``, the simpler a path the faster.

    The exponent is ``decay`` for the simplest path, 0 for the most complex one: it is linear in the
    number of blocks that are no skips. Paths in one of ``groups`` by that number share Adam's first
    moments.
    """

    def __init__(self, paths: Paths, decay: float, groups: int) -> None:
        self.paths, self.decay, self.groups = paths, decay, groups
        self._moments: dict[Tensor, dict[int, Tensor]] = {}
        self._rates: list[float] = []

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """The scheduler, which comes after the step, sees its own rates."""
        (optimizer,) = trainer.optimizers

        def restore(*_: Any) -> None:
            for group, rate in zip(optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate

        optimizer.register_step_post_hook(restore)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Before every step, the path's own rate and moments."""
        blocks = self.paths.last
        complexity = sum(block != "skip" for block in blocks) / len(blocks)
        left = 1 - trainer.global_step / trainer.estimated_stepping_batches
        self._rates = [group["lr"] for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group["lr"] *= left ** (self.decay * (1 - complexity))
        own = min(int(complexity * self.groups), self.groups - 1)
        for weights, state in optimizer.state.items():
            if weights.grad is not None:
                moments = self._moments.setdefault(weights, {})
                if own not in moments:
                    moment = state["exp_avg"]
                    moments[own] = torch.zeros_like(moment) if moments else moment
                state["exp_avg"] = moments[own]


@dataclass(frozen=True)
class SupernetScores:
    """What a supernet says of every architecture: accuracy and spikes, and its N_avg.

    ``seconds`` are the processor's, for its training.
    """

    recipe: str
    epochs: int
    seed: int
    seconds: float
    n_avg: float
    scores: Mapping[str, tuple[float, float]]


def train(name: str, plan: Plan, data: Splits, epochs: int, seed: int) -> SupernetScores:
    """Train a supernet, or one for each part of the space, and score all architectures."""
    recipe = named(Recipe, name, "same")
    seconds, n_avg = 0.0, 0.0
    scores: dict[str, tuple[float, float]] = {}
    for belongs in recipe.parts:
        part = [blocks for blocks in plan.architectures if belongs(blocks)]
        start = time.process_time()
        evaluator, space = _trained(recipe, plan, data, epochs // len(recipe.parts), seed, belongs)
        seconds += time.process_time() - start
        subnets = evaluator.scorer(Fitness())
        n_avg += subnets.n_avg * len(part) / len(plan.architectures)
        scorer = PopulationScorer(space.network, subnets.val, subnets.calibration, 1 << 28)
        found = scorer.evaluate([to_sample(blocks) for blocks in part])
        for blocks, one in zip(part, found, strict=True):
            scores[to_text(blocks)] = (one.accuracy, one.spikes)
    return SupernetScores(name, epochs, seed, seconds, n_avg, scores)


def _trained(
    recipe: Recipe, plan: Plan, data: Splits, epochs: int, seed: int, belongs: Belongs
) -> tuple[SpikingEvaluator, SpikingSpace]:
    evaluator = SpikingEvaluator(data, recipe.training(plan, epochs, seed), recipe.scoring(plan))
    config = {**vars(plan.settings.network)}
    config["batch_norm"] = recipe.batch_norm or config["batch_norm"]
    with seeded(seed):
        space = SpikingSpace(**config)
    paths = Paths(SAMPLINGS[recipe.sampling](space), belongs)
    if recipe.decay or recipe.groups > 1:
        evaluator.trainer.callbacks.append(ByPath(paths, recipe.decay, recipe.groups))
    if recipe.average:
        evaluator.trainer.callbacks.append(Average(recipe.average))
    strategy = SinglePathOneShot(seed)
    strategy.sampling = lambda space: paths
    RetiariiExperiment(space, evaluator, strategy=strategy).run()
    return evaluator, space


def judge(supernet: SupernetScores, table: Table) -> dict[str, float]:
    """A row's numbers."""
    judged = judged_on(table, [supernet.scores[to_text(one)] for one in table.architectures])
    only = (EVOLUTION, KNEE, *AFTER_FINALISTS.values())
    found = table5(table, judged, FITNESS, supernet.n_avg, only=only)
    searched = found.groupby("search")[["rank", "regret"]].mean()
    evolved = searched.loc[EVOLUTION]
    trainings = supernet.seconds / fmean(map(table.cost, table.architectures))
    return {
        **compared(
            table,
            judged,
            [FITNESS(one.supernet_accuracy, one.supernet_spikes, supernet.n_avg) for one in judged],
        ),
        "rank": evolved["rank"],
        "regret": evolved["regret"],
        "regret_knee": searched.loc[KNEE, "regret"],
        **{
            f"regret_{count}": searched.loc[name, "regret"]
            for count, name in AFTER_FINALISTS.items()
        },
        "val_accuracy": fmean(one.supernet_accuracy for one in judged),
        "trainings": trainings,
        "times": trainings * table.plan.epochs[-1] / supernet.epochs,
    }


def regression(table: Table, count: int, epoch: float, seed: int) -> dict[str, float]:
    """The same of ridge regressions, on ``count`` networks at ``epoch``; they predict ranks."""
    drawn = table.choices.unseen(Random(seed), count, set())
    results = {blocks: table.query(blocks, seed % table.seeds, epoch).val for blocks in drawn}

    def predicted(of: Callable[[Measured], float]) -> list[float]:
        ranked = sorted(drawn, key=lambda one: -of(results[one]))
        return predicted_ranks(ranked, table.architectures, table.choices).tolist()

    accuracy, spikes = (predicted(attrgetter(name)) for name in ("accuracy", "spikes"))
    fitness = predicted(lambda one: FITNESS(one.accuracy, one.spikes, table.average_spikes))
    return compared(table, judged_on(table, list(zip(accuracy, spikes, strict=True))), fitness)


def _share(table: Table, epoch: float) -> float:
    """How much of a training's time it takes to train until ``epoch``."""
    part = fmean(table.query(blocks, epoch=epoch).seconds for blocks in table.architectures)
    return part / fmean(map(table.cost, table.architectures))


def skips(table: Table) -> dict[str, float]:
    """The same of the number of skips alone."""
    counts = [blocks.count("skip") for blocks in table.architectures]
    judged = judged_on(table, [(one, -one) for one in counts])
    return {**compared(table, judged, counts), "trainings": 0}


def compared(table: Table, judged: Sequence[Judged], fitness: Sequence[float]) -> dict[str, float]:
    """Agreement of accuracy, spikes and ``fitness``, without its intervals, and regret."""
    of_seeds = [[FITNESS(*both, table.average_spikes) for both in one.of_seeds] for one in judged]
    ranked = {
        name: (
            [getattr(one, f"supernet_{name}") for one in judged],
            [getattr(one, name) for one in judged],
        )
        for name in ("accuracy", "spikes")
    }
    ranked["fitness"] = (list(fitness), list(map(fmean, of_seeds)))
    known = {**ceilings(judged), "fitness": ceiling(list(zip(*of_seeds, strict=True)))}
    found: dict[str, float] = {}
    for name, both in ranked.items():
        agreed = Agreement(len(judged), tau(*both), math.nan, math.nan, known[name])
        found |= {f"tau_{name}": agreed.tau, f"share_{name}": agreed.share}
    return {**found, **asdict(regret(judged))}


def train_all(options: Any) -> None:
    """Train what is not in the folder yet."""
    made = options.table.endswith(".json")
    plan = Table(options.table).plan if made else plan_named(options.table)
    data = load_data(RunDirectory(Path(), plan.settings), Machine())
    for name, seed in itertools.product(options.recipes, range(options.seeds)):
        path = options.folder / f"{name}_{options.epochs}_{seed}.json"
        if not path.exists():
            trained = train(name, plan, data, options.epochs, seed)
            write_whole(path, json.dumps(asdict(trained)))
            print(path, f"{trained.seconds:.0f} s", flush=True)


def judge_all(options: Any) -> None:
    """Write a row for every supernet, and print the means over their seeds."""
    table = Table(options.table)
    supernets = [
        SupernetScores(**json.loads(path.read_text()))
        for path in sorted(options.folder.glob("*.json"))
    ]
    key = ["recipe", "epochs", "seed"]
    rows = [
        {**{name: getattr(one, name) for name in key}, **judge(one, table)} for one in supernets
    ]
    shares = {epoch: _share(table, epoch) for epoch in table.plan.epochs if epoch}
    for count, epoch, seed in itertools.product(TRAINED, shares, range(REGRESSIONS)):
        name = {"recipe": f"{count} trained", "epochs": epoch, "seed": seed}
        cost = {"trainings": count * shares[epoch]}
        rows.append({**name, **regression(table, count, epoch, seed), **cost})
    rows.append({"recipe": SKIPS, "epochs": 0, "seed": 0, **skips(table)})
    judged = pd.DataFrame(rows)
    means = judged.groupby(key[:2], sort=False).mean().drop(columns="seed")
    write_whole(options.output, judged.to_csv(index=False))
    write_whole(options.output.with_suffix(".png"), png(picture(means)))
    print(means.to_string())


def picture(means: pd.DataFrame) -> Figure:
    """Tau by time, as a share of the ceiling if it is known: supernets are points."""
    figure, panels = panels_of(3, width=14, height=5.2, sharey=True)
    trained = means[means.index.get_level_values("recipe").str.endswith(" trained")]
    counted = means.loc[SKIPS].iloc[0]
    supernets = means.dropna(subset="rank")
    for panel, name in zip(panels, ("accuracy", "spikes", "fitness"), strict=True):
        known = means[f"share_{name}"].notna().any()
        column, of = (f"share_{name}", "% of the ceiling") if known else (f"tau_{name}", "%")
        for number, ((recipe, epochs), one) in enumerate(supernets.iterrows()):
            panel.plot(
                one["trainings"],
                100 * one[column],
                list(theme.SYMBOLS.values())[number // len(theme.SERIES) % len(theme.SYMBOLS)],
                color=theme.SERIES[number % len(theme.SERIES)],
                label=f"{recipe}, {epochs} epochs",
            )
        for (epochs, line), style in zip(trained.groupby("epochs"), ("-.", "--"), strict=False):
            label = f"ridge regression of networks after epoch {epochs:g}"
            panel.plot(line["trainings"], 100 * line[column], style, color=theme.INK, label=label)
        panel.axhline(100 * counted[column], color=theme.MUTED, ls=":", label="number of skips")
        panel.set_xscale("log")
        axis_titles(panel, "Time, in trainings of one network", f"Tau of {name} ({of})")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure


def main() -> None:
    """Train, or judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    trains = commands.add_parser("train")
    trains.add_argument("table", help="its name, or its JSON file")
    trains.add_argument("folder", type=Path)
    trains.add_argument("recipes", nargs="+")
    trains.add_argument("--epochs", type=int, default=12)
    trains.add_argument("--seeds", type=int, default=3)
    trains.set_defaults(command=train_all)
    judges = commands.add_parser("judge")
    judges.add_argument("table", help="its name, or its JSON file")
    judges.add_argument("folder", type=Path)
    judges.add_argument("--output", type=Path, required=True)
    judges.set_defaults(command=judge_all)
    options = parser.parse_args()
    keep_freed_memory()
    options.command(options)


if __name__ == "__main__":
    main()
