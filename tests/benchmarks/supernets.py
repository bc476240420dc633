"""Supernets judged by a table: ``python -m tests.benchmarks.supernets TABLE --output CSV NAME``.

A supernet is named by how its training differs from that of the table's networks, for example
``sampling=fair,loss=tet`` (``same`` is no difference). Each is trained with every seed and compared
with the whole table: tau of accuracy and of spikes, what share of their ceiling that is, the regret
of its first and of its first three, and the mean rank of what evolution finds with it. A line of
the output is written for every supernet, so the same command resumes.

What is not in the package is tried here: a learning rate that falls faster for simple paths
(``decay``, the largest exponent) and moments of Adam by group of paths (``groups``), both of Jeon
et al. 2025 (arXiv 2503.10740); and two supernets, one for paths with up to so many skips
(``skips``) and one for the others, each with half of the epochs.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import torch
from pytorch_lightning import Callback
from torch import Tensor

from autosnn_nni.data import load_dataset, split
from autosnn_nni.files import write_whole
from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.scoring.ranking import Judged, agreements, regret
from autosnn_nni.search_spaces import Architecture, SpikingSpace, seeded, to_sample
from autosnn_nni.strategies import SAMPLINGS, Fitness, SinglePathOneShot
from autosnn_nni.table import Table
from autosnn_nni.table.supernets import table5, tests_of
from autosnn_nni.training.hyperparameters import Training
from tests.benchmarks.named import named

Belongs = Callable[[Architecture], bool]


@dataclass(frozen=True)
class Recipe:
    """How a supernet is trained; see the module. Empty names are the table's own."""

    schedule: str = ""
    rate: float = 0.0
    batch: int = 0
    loss: str = ""
    batch_norm: str = ""
    sampling: str = "uniform"
    decay: float = 0.0
    groups: int = 1
    skips: int = -1

    def training(self, table: Table, epochs: int, seed: int) -> Training:
        """The package's settings."""
        own = table.plan.settings
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

    @property
    def parts(self) -> list[Belongs]:
        """The parts of the space that have a supernet each."""
        if self.skips < 0:
            return [lambda blocks: True]
        return [
            lambda blocks: blocks.count("skip") <= self.skips,
            lambda blocks: blocks.count("skip") > self.skips,
        ]


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


def judge(recipe: Recipe, table: Table, epochs: int, seed: int) -> dict[str, float]:
    """Train a supernet, or one for each part of the space; gives a row's numbers."""
    start = time.process_time()
    judged: list[Judged] = []
    n_avg = 0.0
    for belongs in recipe.parts:
        part = [blocks for blocks in table.architectures if belongs(blocks)]
        scores, spikes = _scores(recipe, table, epochs // len(recipe.parts), seed, belongs, part)
        n_avg += spikes * len(part) / len(table.architectures)
        judged += [
            Judged.of(blocks, score, tests_of(table, blocks))
            for blocks, score in zip(part, scores, strict=True)
        ]
    seconds = time.process_time() - start
    found, lost = agreements(judged), regret(judged)
    searched = table5(table, judged, Fitness(), n_avg)
    evolved = searched[searched["search"] == "supernet, evolution"]
    return {
        **{f"tau_{name}": found[name, "all"].tau for name in ("accuracy", "spikes")},
        **{f"share_{name}": found[name, "all"].share for name in ("accuracy", "spikes")},
        "best": lost.best,
        "first": lost.first,
        "of_three": lost.of_three,
        "rank": evolved["rank"].mean(),
        "val_accuracy": sum(one.supernet_accuracy for one in judged) / len(judged),
        "seconds": seconds,
    }


def _scores(
    recipe: Recipe,
    table: Table,
    epochs: int,
    seed: int,
    belongs: Belongs,
    part: Sequence[Architecture],
) -> tuple[list[tuple[float, float]], float]:
    """Accuracy and spikes of a part's architectures, and N_avg."""
    settings = table.plan.settings
    data = split(load_dataset(settings.dataset), seed=settings.seed, images=settings.images)
    evaluator = SpikingEvaluator(data, recipe.training(table, epochs, seed))
    config = {**vars(settings.network)}
    config["batch_norm"] = recipe.batch_norm or config["batch_norm"]
    with seeded(seed):
        space = SpikingSpace(**config)
    paths = Paths(SAMPLINGS[recipe.sampling](space), belongs)
    if recipe.decay or recipe.groups > 1:
        evaluator.trainer.callbacks.append(ByPath(paths, recipe.decay, recipe.groups))
    strategy = SinglePathOneShot(seed)
    strategy.sampling = lambda space: paths
    RetiariiExperiment(space, evaluator, strategy=strategy).run()
    subnets = evaluator.scorer(Fitness())
    scorer = PopulationScorer(space.network, subnets.val, subnets.calibration, 1 << 28)
    found = scorer.evaluate([to_sample(blocks) for blocks in part])
    return [(one.accuracy, one.spikes) for one in found], subnets.average.spikes


def main() -> None:
    """Train what is not in the output yet, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="its name, or its JSON file")
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    keep_freed_memory()
    table = Table(options.table)
    rows = pd.read_csv(options.output).to_dict("records") if options.output.exists() else []
    for name, seed in itertools.product(options.recipes, range(options.seeds)):
        key = {"recipe": name, "epochs": options.epochs, "seed": seed}
        if not any(key.items() <= row.items() for row in rows):
            rows.append({**key, **judge(named(Recipe, name, "same"), table, options.epochs, seed)})
            write_whole(options.output, pd.DataFrame(rows).to_csv(index=False))
            print(*rows[-1].values(), flush=True)
    print(pd.DataFrame(rows).groupby(["recipe", "epochs"], sort=False).mean().to_string())


if __name__ == "__main__":
    main()
