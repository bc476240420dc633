"""What the surrogate gradient does: ``python -m tests.benchmarks.surrogates --output runs/s``.

Networks are trained from scratch with every surrogate, rate and seed, each in a run's folder of its
own, so that the same command resumes. ``near`` is the share of all neurons and timesteps whose
potential is between 0 and 2, with the trained weights on one training batch. Only there has
``triangle`` a gradient; ``atan`` has one everywhere.
"""

import argparse
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import torch
from torch import Tensor

from autosnn_nni.kernels.library import SWITCH
from autosnn_nni.pipeline import Pipeline
from autosnn_nni.runs.directory import open_run
from autosnn_nni.runs.inputs import training_of
from autosnn_nni.runs.machine import Machine
from autosnn_nni.search_spaces import MACROS, SURROGATES, SpikingNetwork, from_text
from autosnn_nni.search_spaces.neurons import THRESHOLD, SpikingNeuron
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.checkpoints import load_checkpoint, load_network
from tests.benchmarks.compare import FOUND

_COLUMNS = ["learning rate", "surrogate"]


def share_near(network: SpikingNetwork, images: Tensor) -> float:
    """The share of all neurons and timesteps with a potential from 0 to 2, in training mode."""
    found: list[Tensor] = []

    def watched(charge: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        def charge_and_note(v: Tensor, current: Tensor) -> Tensor:
            h = charge(v, current)
            found.append(((h.detach() - THRESHOLD).abs() < 1).flatten())
            return h

        return charge_and_note

    with patch.dict(os.environ, {SWITCH: "0"}):  # the kernels don't show potentials
        network.train().float()  # chooses between kernels and torch
        for layer in network.modules():
            if isinstance(layer, SpikingNeuron):
                vars(layer)["charge"] = watched(layer.charge)
        network(images)
    return torch.cat(found).double().mean().item()


def _measure(path: Path, settings: dict[str, Any], blocks: tuple[str, ...]) -> dict[str, Any]:
    """Train a network, unless that is done; gives a row's numbers."""
    pipeline = Pipeline(open_run(path, settings), Machine(device="cpu"))
    pipeline.train(blocks)
    run = pipeline.run
    result, curve = run.read_result(), pd.read_csv(run.retrained_curve)
    config = run.settings.network
    network = load_network(run.retrained, load_checkpoint(run.retrained), config, blocks)
    training = training_of(run, run.settings.retrain_epochs, pipeline.machine)
    images, _ = next(iter(train_batches(pipeline.data, training, cutout=True)))
    return {
        "accuracy": result["accuracy"],
        "spikes": result["spikes"],
        "near": share_near(network, images),
        "seconds": curve["seconds"].median(),
    }


def _runs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The settings of every training; the surrogates take turns."""
    shared = {
        "dataset": options.dataset,
        "images": options.images,
        "space": options.space,
        "channels": options.channels,
        "timesteps": options.timesteps,
        "batch_size": options.batch,
        "schedule": "constant",
        "augmentation": "paper",
        "retrain_epochs": options.epochs,
    }
    for rate, seed, surrogate in itertools.product(
        options.learning_rate, range(options.seeds), SURROGATES
    ):
        yield {**shared, "learning_rate": rate, "seed": seed, "surrogate": surrogate}


def _spread(values: "pd.Series[float]", form: str) -> str:
    return f"{format(values.mean(), form)} ± {format(values.std(), form)}"


def _show(rows: list[dict[str, Any]]) -> None:
    print(f"| {' | '.join(_COLUMNS)} | seeds | test accuracy | spikes | near | s an epoch |")
    print("|---" * (len(_COLUMNS) + 5) + "|")
    for (rate, surrogate), own in pd.DataFrame(rows).groupby(_COLUMNS, sort=False):
        print(
            f"| {rate:g} | {surrogate} | {len(own)} | {_spread(own['accuracy'], '.2%')} "
            f"| {_spread(own['spikes'], ',.0f')} | {own['near'].mean():.1%} "
            f"| {own['seconds'].median():.1f} |"
        )


def main() -> None:
    """Print a line for each training, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--dataset", default="FashionMNIST")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--space", default="SNN_1")
    parser.add_argument("--blocks", default=FOUND, help="of every TBD block, or one for all")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--timesteps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, nargs="+", default=[1e-3, 5e-3])
    options = parser.parse_args()
    blocks = from_text(options.blocks)
    if len(blocks) == 1:
        blocks *= MACROS[options.space].tbd_blocks
    rows = []
    for settings in _runs(options):
        named = {column: settings[column.replace(" ", "_")] for column in _COLUMNS}
        name = "-".join(map(str, (*named.values(), settings["seed"])))
        rows.append({**named, **_measure(options.output / name, settings, blocks)})
        print(name, *rows[-1].values(), flush=True)
    _show(rows)


if __name__ == "__main__":
    main()
