"""Accuracy and spikes of networks with given weights; the NNI evaluator of subnets."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import nni
import torch
from nni.nas.evaluator.pytorch.lightning import Lightning
from torch import Tensor
from torch.optim.swa_utils import update_bn

from autosnn_nni.data import Batches, Images, Splits
from autosnn_nni.progress import progress_bar
from autosnn_nni.search_spaces import (
    LayerSpikes,
    SpikeCounter,
    SpikingNetwork,
    fold_batch_norm,
    subnet,
)
from autosnn_nni.strategies import Fitness, Metrics, PopulationEvaluator
from autosnn_nni.training import SpikingClassifier, Training, make_trainer, resume_from

Batch = tuple[Tensor, Tensor]

#: Activations of so few images stay in the processor's cache from layer to layer.
CPU_CHUNK = 32


@dataclass(frozen=True)
class Evaluation:
    """What a network does on a set of images: accuracy as a fraction, spikes per image."""

    accuracy: float
    spikes: float
    neuron_spikes: float
    firing_rate: float
    layers: tuple[LayerSpikes, ...]


@torch.inference_mode()
def evaluate(network: SpikingNetwork, batches: Iterable[Batch]) -> Evaluation:
    """Accuracy and spikes of ``network`` as it is, in eval mode, on plain images."""
    folded = fold_batch_norm(network)
    hits = []
    with SpikeCounter(folded) as counter:
        for images, labels in batches:
            chunk = len(images) if images.is_cuda else CPU_CHUNK
            votes = torch.cat([folded(part) for part in images.split(chunk)])
            hits.append((votes.argmax(1) == labels).sum())
    return Evaluation(
        accuracy=int(torch.stack(hits).sum()) / counter.images,
        spikes=counter.spikes,
        neuron_spikes=counter.neuron_spikes,
        firing_rate=counter.firing_rate,
        layers=tuple(counter.layers()),
    )


def recalibrated(network: SpikingNetwork, batches: Sequence[Batch]) -> SpikingNetwork:
    """A copy whose batch norm has the statistics of ``batches`` alone; without any, of training.

    Running statistics mix those of all paths of a supernet, or trail the weights of a network in
    training; with them accuracies are erratic and a supernet's ranking is close to chance.
    """
    network = copy.deepcopy(network)
    if batches:
        update_bn(batches, network)
    return network


class SubnetEvaluator(PopulationEvaluator):
    """Scores subnets of a trained supernet on D_val; reports ``default``, ``accuracy``, ``spikes``.

    ``val`` are plain batches of D_val, ``calibration`` plain batches of D_train for batch norm
    (none: the supernet's own statistics).
    """

    def __init__(
        self, fitness: Fitness, val: Sequence[Batch], calibration: Sequence[Batch], n_avg: float
    ) -> None:
        self.fitness = fitness
        self.val = val
        self.calibration = calibration
        self.n_avg = n_avg

    def evaluate_population(
        self, supernet: Any, samples: Sequence[Mapping[str, str]]
    ) -> list[Metrics]:
        """Metrics of every sample's subnet, in order."""
        metrics: list[Metrics] = []
        with progress_bar("Search, a generation", len(samples), "architectures") as advance:
            for sample in samples:
                metrics.append(self._score(subnet(supernet.network, sample)))
                best = max(one["default"] for one in metrics)
                advance(len(metrics), f"best {best:.4f}")
        return metrics

    def evaluate(self, model: Any) -> Metrics:
        """Score one frozen model of the supernet, as NNI's trials do, and report it to NNI."""
        metrics = self._score(model.network)
        if nni.get_current_parameter() is not None:
            nni.report_final_result(metrics)
        return metrics

    def _score(self, network: SpikingNetwork) -> Metrics:
        result = evaluate(recalibrated(network, self.calibration), self.val)
        fitness = self.fitness(result.accuracy, result.spikes, self.n_avg)
        return {"default": fitness, "accuracy": result.accuracy, "spikes": result.spikes}


@nni.trace  # NNI takes only traced evaluators
class SpikingEvaluator(Lightning):
    """Trains a supernet with NNI's one-shot strategies, then scores its subnets.

    With a ``checkpoint`` every epoch is saved there, together with ``about``, and training goes on
    from it.
    """

    def __init__(
        self,
        data: Splits,
        training: Training,
        checkpoint: Path | None = None,
        about: Mapping[str, Any] = {},
    ) -> None:
        self.data = data
        self.training = training
        batches = train_batches(data, training)
        trainer = make_trainer(training, batches, "Supernet", checkpoint, about)
        super().__init__(
            SpikingClassifier(training.learning_rate),
            trainer,
            train_dataloaders=batches,
            val_dataloaders=plain_batches(data, data.val, training),
            fit_kwargs=resume_from(checkpoint, about),
        )

    def scorer(self, fitness: Fitness) -> SubnetEvaluator:
        """The evaluator of the trained supernet's subnets on D_val."""
        val = list(plain_batches(self.data, self.data.val, self.training))
        calibration = calibration_batches(self.data, self.training)
        return SubnetEvaluator(fitness, val, calibration, float(self.module.n_avg))


def train_batches(data: Splits, training: Training, *, cutout: bool = False) -> Batches:
    """Shuffled, augmented batches of D_train (Section A.1)."""
    return Batches(
        data.train,
        data.dataset,
        batch_size=training.batch_size,
        shuffle=True,
        augment=True,
        cutout=cutout,
        seed=training.seed,
    )


def plain_batches(data: Splits, images: Images, training: Training) -> Batches:
    """Batches of ``images`` in order, never augmented, on the training's device."""
    return Batches(
        images, data.dataset, batch_size=training.batch_size, device=training.torch_device
    )


def calibration_batches(data: Splits, training: Training) -> list[Batch]:
    """The plain batches of D_train that batch norm's statistics are computed on."""
    batches = islice(plain_batches(data, data.train, training), training.calibration_batches)
    return [batch for batch in batches if len(batch[1]) > 1]  # one image may have no variance
