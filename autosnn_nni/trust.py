"""How well a supernet ranks architectures, compared with training a sample from scratch."""

import dataclasses
from collections.abc import Mapping, Sequence
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
from autosnn_nni.search_spaces import Architecture, to_text
from autosnn_nni.strategies import Choices
from autosnn_nni.training.checkpoints import load_checkpoint

#: Settings that may differ between supernets compared with the same trained sample.
_MAY_DIFFER = (
    *("augmentation", "batch_norm", "learning_rate", "loss", "sampling", "schedule", "seed"),
    *("supernet_epochs", "surrogate"),
)


def draw(run: RunDirectory, count: int) -> list[Architecture]:
    """Draw ``count`` architectures of the run's space uniformly, or fewer if it is smaller.

    A larger sample starts with the architectures of a smaller one.
    """
    choices = Choices.of(make_space(run))
    return choices.unseen(Random(f"{run.settings.seed}/trust"), count, set())


def check_sample(run: RunDirectory, architectures: Sequence[Architecture], seeds: int) -> None:
    """Raise :class:`UserError` if an earlier training of one is broken or of another length."""
    for files, blocks, _ in _trainings(run, architectures, seeds):
        if files.result.exists():
            _read_checked(run, files, blocks)
        elif files.retrained.exists():
            _check_length(run, files, load_checkpoint(files.retrained).settings["retrain_epochs"])


def train_sample(
    pipeline: Pipeline, architectures: Sequence[Architecture], seeds: int
) -> dict[Architecture, list[dict[str, Any]]]:
    """Train those not yet in the run's ``trust`` folder, with every seed.

    Returns the ``result.json`` of all, seed by seed.
    """
    trainings = _trainings(pipeline.run, architectures, seeds)
    results: dict[Architecture, list[dict[str, Any]]] = {blocks: [] for blocks in architectures}
    for number, (files, blocks, seed) in enumerate(trainings, start=1):
        pipeline.train_in(files, blocks, f"Training {number} of {len(trainings)}", seed)
        results[blocks].append(_read_checked(pipeline.run, files, blocks))
    return results


def _trainings(
    run: RunDirectory, architectures: Sequence[Architecture], seeds: int
) -> list[tuple[NetworkFiles, Architecture, int]]:
    """Files, architecture and seed of all trainings: all with the run's seed come first."""
    wanted = range(run.settings.seed, run.settings.seed + seeds)
    files = {blocks: run.judged(blocks).by_seed(wanted) for blocks in architectures}
    return [(files[blocks][seed], blocks, seed) for seed in wanted for blocks in architectures]


def _read_checked(
    run: RunDirectory, files: NetworkFiles, architecture: Architecture
) -> dict[str, Any]:
    result = files.read_result()
    _, blocks = run.settings.network.stand_alone(architecture)
    if tuple(result["blocks"]) != blocks:
        raise UserError(
            f"{files.result} is of another architecture ({to_text(result['blocks'])}); move "
            f"{files.path} away to train {to_text(blocks)}"
        )
    _check_length(run, files, result["epochs"])
    return result


def _check_length(run: RunDirectory, files: NetworkFiles, epochs: int) -> None:
    if epochs != run.settings.retrain_epochs:
        raise UserError(
            f"{files.path} was trained for {epochs} epochs, the run has "
            f"{run.settings.retrain_epochs}; move {files.path.parent} away to train again"
        )


def judge(
    pipeline: Pipeline, results: Mapping[Architecture, Sequence[Mapping[str, Any]]]
) -> list[Judged]:
    """Score the architectures with the run's supernet, and add the ``results`` of training."""
    scorer = SupernetScorer(pipeline.run, pipeline.machine, pipeline.data)
    scores = scorer.evaluate_population(list(results))
    return [
        Judged.of(
            blocks,
            (score.accuracy, score.spikes),
            [(one["accuracy"], one["spikes"]) for one in trained],
        )
        for score, (blocks, trained) in zip(scores, results.items(), strict=True)
    ]


def check_comparable(first: RunDirectory, other: RunDirectory) -> None:
    """Raise :class:`UserError` unless both supernets can use the trained sample of ``first``."""
    shared = {name: getattr(first.settings, name) for name in _MAY_DIFFER}
    same: Settings = dataclasses.replace(other.settings, **shared)
    differences = [text for stage, text in same.differences(first.settings) if stage == "supernet"]
    if differences:
        raise UserError(
            f"{other.path} can't be compared with the trained sample of {first.path}: "
            + "; ".join(differences)
        )
