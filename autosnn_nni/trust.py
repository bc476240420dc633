"""How far a supernet's ranking can be trusted: a sample of its architectures from scratch."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.evaluation import calibration_batches, val_batches
from autosnn_nni.files import read_json, write_whole
from autosnn_nni.inputs import load_supernet
from autosnn_nni.pipeline import Pipeline, make_space
from autosnn_nni.prefixes import PopulationScorer
from autosnn_nni.ranking import Judged
from autosnn_nni.run_directory import RunDirectory
from autosnn_nni.search_spaces import Architecture, to_sample
from autosnn_nni.settings import Settings
from autosnn_nni.strategies import Choices

#: What supernets that are judged by the same trainings may differ in.
_FREE = ("batch_norm", "loss", "sampling", "seed", "supernet_epochs")


def draw(run: RunDirectory, count: int) -> list[Architecture]:
    """``count`` architectures of the run's space, uniformly; fewer in a smaller space.

    A larger sample begins with a smaller one.
    """
    choices = Choices.of(make_space(run))
    return choices.unseen(Random(f"{run.settings.seed}/trust"), count, set())


def train_sample(pipeline: Pipeline, architectures: Sequence[Architecture]) -> list[dict[str, Any]]:
    """Train those that the run's ``trust`` folder has not yet; the ``result.json`` of all."""
    folder, results = pipeline.run.path / "trust", []
    for number, blocks in enumerate(architectures, start=1):
        checkpoint = folder / "-".join(blocks) / "retrained.ckpt"
        title = f"Training {number} of {len(architectures)}"
        pipeline.train_at(checkpoint, blocks, title)
        results.append(_checked(pipeline.run, checkpoint.with_name("result.json")))
    return results


def _checked(run: RunDirectory, path: Path) -> dict[str, Any]:
    result: dict[str, Any] = read_json(path)
    if result["epochs"] != run.settings.retrain_epochs:
        raise UserError(
            f"{path.parent} was trained for {result['epochs']} epochs, the run has "
            f"{run.settings.retrain_epochs}; move {path.parent.parent} away to train anew"
        )
    return result


def judge(
    pipeline: Pipeline, architectures: Sequence[Architecture], results: Sequence[dict[str, Any]]
) -> list[Judged]:
    """The architectures by the run's supernet, beside the ``results`` of training them."""
    scores = _inherited(pipeline, architectures)
    return [
        Judged(blocks, *score, result["accuracy"], result["spikes"])
        for blocks, score, result in zip(architectures, scores, results, strict=True)
    ]


def _inherited(
    pipeline: Pipeline, architectures: Sequence[Architecture]
) -> list[tuple[float, float]]:
    """Accuracies and spikes on D_val, as the run's search scores them."""
    run, training = pipeline.run, pipeline.training(1)
    network = make_space(run).network
    network.load_state_dict(load_supernet(run).weights)
    scorer = PopulationScorer(
        network.to(training.torch_device),
        val_batches(pipeline.data, training),
        calibration_batches(pipeline.data, training),
        pipeline.machine.cache_bytes,
    )
    return scorer.evaluate([to_sample(blocks) for blocks in architectures])


def save(run: RunDirectory, judged: Sequence[Judged]) -> None:
    """Write ``trust.csv``."""
    rows = (dataclasses.asdict(one) for one in judged)
    table = pd.DataFrame([{**to_sample(row.pop("blocks")), **row} for row in rows])
    write_whole(run.path / "trust.csv", table.to_csv(index=False))


def check_comparable(first: RunDirectory, other: RunDirectory) -> None:
    """Raise :class:`UserError` unless the trainings of ``first`` can judge the other supernet."""
    shared = {name: getattr(first.settings, name) for name in _FREE}
    same: Settings = dataclasses.replace(other.settings, **shared)
    differences = [text for stage, text in same.differences(first.settings) if stage == "supernet"]
    if differences:
        raise UserError(
            f"{other.path} can't be judged by the trainings of {first.path}: "
            + "; ".join(differences)
        )
