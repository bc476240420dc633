"""Scoring architectures by the spikes of untrained networks."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

import torch

from autosnn_nni.data import Splits
from autosnn_nni.progress import SearchProgress
from autosnn_nni.search_spaces import (
    NetworkConfig,
    OperationCounter,
    SpikeCounter,
    SpikingNetwork,
    build_network,
    from_sample,
    neurons_in,
    seeded,
)
from autosnn_nni.strategies import HammingKernel, Measurements, Metrics, PopulationEvaluator
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.hyperparameters import Training

#: SNASNet's batch size and number of batches.
_IMAGES, _BATCHES = 256, 2


class TrainingFreeEvaluator(PopulationEvaluator):
    """Scores untrained networks: SNASNet's score as ``default``, spikes, operations and sizes.

    The networks are in training mode; all are means over batches of augmented training images.
    ``accuracy`` is NaN. The seed determines the initial weights of an architecture. ``training`` is
    used for the experiment's ``final_model``; of its values, only the seed affects the scores.
    """

    def __init__(self, data: Splits, training: Training) -> None:
        self.data = data
        self.training = training
        self._progress = SearchProgress(min(_IMAGES * _BATCHES, len(data.train)))

    def searching(self, done: int, total: int) -> AbstractContextManager[None]:
        """Context manager for a search; shows its expected duration and a progress bar."""
        return self._progress.searching(done, total)

    def evaluate_population(
        self, supernet: Any, samples: Sequence[Mapping[str, str]]
    ) -> list[Metrics]:
        """Metrics of every sample, in order."""
        metrics: list[Metrics] = []
        with self._progress.generation(len(samples)) as advance:
            for sample in samples:
                metrics.append(self._score(supernet.config, from_sample(sample)))
                best = max(one["default"] for one in metrics)
                advance(len(metrics) / len(samples), f"best {best:.4f}")
        return metrics

    @torch.no_grad()
    def _score(self, config: NetworkConfig, blocks: tuple[str, ...]) -> Metrics:
        with seeded(Random(f"{self.training.seed}/{blocks}").getrandbits(63)):
            network = build_network(config, blocks).to(self.training.torch_device)
        with SpikeCounter(network) as spikes, OperationCounter(network) as operations:
            score = snasnet_score(network, self.data, self.training)
        own, _ = config.stand_alone(blocks)
        measured = Measurements(
            accuracy=math.nan,
            spikes=spikes.spikes,
            synops=operations.synops,
            macs=operations.macs,
            parameters=network.parameter_count,
            neurons=neurons_in(spikes.layers()),
            timesteps=own.timesteps_choice[0],
        )
        return {"default": score, **measured.measured}


@torch.no_grad()
def snasnet_score(network: SpikingNetwork, data: Splits, training: Training) -> float:
    """SNASNet's score of ``network``: a mean over two batches of training images."""
    scores = []
    for images, _ in islice(train_batches(data, replace(training, batch_size=_IMAGES)), _BATCHES):
        with HammingKernel(network) as kernel:
            network(images)
        scores.append(kernel.score())
    return sum(scores) / len(scores)
