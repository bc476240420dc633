"""How far a supernet's ranking can be trusted: a sample of its architectures from scratch."""

import dataclasses
from collections.abc import Sequence
from random import Random
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.pipeline import Pipeline
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import make_space
from autosnn_nni.runs.run_files import NetworkFiles
from autosnn_nni.runs.settings import Settings
from autosnn_nni.runs.supernet_scorer import SupernetScorer
from autosnn_nni.scoring.ranking import Judged
from autosnn_nni.search_spaces import Architecture
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
    results = []
    for number, blocks in enumerate(architectures, start=1):
        files = pipeline.run.judged(blocks)
        pipeline.train_in(files, blocks, f"Training {number} of {len(architectures)}")
        results.append(_checked(pipeline.run, files))
    return results


def _checked(run: RunDirectory, files: NetworkFiles) -> dict[str, Any]:
    result = files.read_result()
    if result["epochs"] != run.settings.retrain_epochs:
        raise UserError(
            f"{files.path} was trained for {result['epochs']} epochs, the run has "
            f"{run.settings.retrain_epochs}; move {files.path.parent} away to train again"
        )
    return result


def judge(
    pipeline: Pipeline, architectures: Sequence[Architecture], results: Sequence[dict[str, Any]]
) -> list[Judged]:
    """The architectures by the run's supernet, beside the ``results`` of training them."""
    scores = SupernetScorer(pipeline.run, pipeline.machine).evaluate_population(architectures)
    return [
        Judged(blocks, *score, result["accuracy"], result["spikes"])
        for blocks, score, result in zip(architectures, scores, results, strict=True)
    ]


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
