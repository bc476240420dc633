"""Accuracy and spikes of networks with given weights."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch.optim.swa_utils import update_bn

from autosnn_nni.scoring.batches import Batch, chunks
from autosnn_nni.search_spaces import (
    ActivationMeter,
    LayerActivation,
    LayerSpikes,
    SpikeCounter,
    SpikingNetwork,
    fold_batch_norm,
)
from autosnn_nni.strategies import Fitness, Metrics


@dataclass(frozen=True)
class Evaluation:
    """What a network does on a set of images: accuracy as a fraction, spikes per image.

    ``layers`` are those that send spikes on; ``activations`` those of a network of ReLUs.
    """

    accuracy: float
    spikes: float
    neuron_spikes: float
    firing_rate: float
    layers: tuple[LayerSpikes, ...]
    activations: tuple[LayerActivation, ...]


@torch.inference_mode()
def evaluate(network: SpikingNetwork, batches: Iterable[Batch]) -> Evaluation:
    """Accuracy and spikes of ``network`` as it is, in eval mode, on plain images."""
    folded = fold_batch_norm(network)
    hits = []
    with SpikeCounter(folded) as counter, ActivationMeter(folded) as meter:
        for images, labels in batches:
            votes = torch.cat([folded(part) for part in chunks(images)])
            hits.append((votes.argmax(1) == labels).sum())
    return Evaluation(
        accuracy=int(torch.stack(hits).sum()) / counter.images,
        spikes=counter.spikes,
        neuron_spikes=counter.neuron_spikes,
        firing_rate=counter.firing_rate,
        layers=tuple(counter.layers()),
        activations=tuple(meter.layers()),
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


def score(
    network: SpikingNetwork,
    val: Sequence[Batch],
    calibration: Sequence[Batch],
    fitness: Fitness,
    n_avg: float,
) -> Metrics:
    """``default`` (the fitness), ``accuracy`` and ``spikes`` on ``val``.

    Batch norm's statistics are those of ``calibration``; without any, the network's own.
    """
    result = evaluate(recalibrated(network, calibration), val)
    return metrics(fitness, n_avg, result.accuracy, result.spikes)


def metrics(fitness: Fitness, n_avg: float, accuracy: float, spikes: float) -> Metrics:
    """What NNI is told of an architecture: ``default`` is its fitness."""
    worth = fitness(accuracy, spikes, n_avg)
    return {"default": worth, "accuracy": accuracy, "spikes": spikes}
