"""Accuracy and spikes of networks with given weights."""

import math
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch

from autosnn_nni.scoring.batches import Batch, chunks
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.search_spaces import (
    ActivationMeter,
    LayerActivation,
    LayerOperations,
    LayerSpikes,
    OperationCounter,
    SpikeCounter,
    SpikingNetwork,
    fold_batch_norm,
)
from autosnn_nni.strategies import Fitness, Metrics


@dataclass(frozen=True)
class Evaluation:
    """Results of a network on a set of images: accuracy as a fraction, spikes per image.

    ``confusion`` has a row for each class: how many of its images were taken for which class.
    ``layers`` are those that send spikes; ``activations`` are those of a ReLU network. Synaptic
    operations ``synops`` and multiply-accumulates ``macs`` are per image, NaN if they were not
    counted; ``operations`` are those of all layers with weights. ``seconds`` are per image, batches
    and all; they are no part of a comparison.
    """

    accuracy: float
    spikes: float
    neuron_spikes: float
    firing_rate: float
    layers: tuple[LayerSpikes, ...]
    activations: tuple[LayerActivation, ...]
    confusion: tuple[tuple[int, ...], ...] = ()
    synops: float = math.nan
    macs: float = math.nan
    operations: tuple[LayerOperations, ...] = ()
    seconds: float = field(default=0.0, compare=False)


@torch.inference_mode()
def evaluate(
    network: SpikingNetwork, batches: Iterable[Batch], *, operations: bool = False
) -> Evaluation:
    """Measure accuracy and spikes of ``network`` in eval mode, without recalibration.

    ``operations`` are counted on request, which takes a tenth of the time more.
    """
    folded = fold_batch_norm(network)
    pairs, start = [], time.perf_counter()
    counted = OperationCounter(folded)
    with (
        SpikeCounter(folded) as counter,
        ActivationMeter(folded) as meter,
        counted if operations else nullcontext(),
    ):
        for images, labels in batches:
            votes = torch.cat([folded(part) for part in chunks(images, folded)])
            classes = votes.shape[1]
            pairs.append(torch.bincount(labels * classes + votes.argmax(1), minlength=classes**2))
    confusion = torch.stack(pairs).sum(0).view(classes, classes)
    return Evaluation(
        accuracy=int(confusion.trace()) / counter.images,
        confusion=tuple(map(tuple, confusion.tolist())),
        spikes=counter.spikes,
        neuron_spikes=counter.neuron_spikes,
        firing_rate=counter.firing_rate,
        layers=tuple(counter.layers()),
        activations=tuple(meter.layers()),
        synops=counted.synops if operations else math.nan,
        macs=counted.macs if operations else math.nan,
        operations=tuple(counted.layers()) if operations else (),
        seconds=(time.perf_counter() - start) / counter.images,
    )


def score(
    network: SpikingNetwork,
    val: Sequence[Batch],
    calibration: Sequence[Batch],
    fitness: Fitness,
    n_avg: float,
) -> Metrics:
    """Measure ``default`` (the fitness), ``accuracy`` and ``spikes`` on ``val``.

    Batch norm statistics are those of ``calibration``; without batches, the network's own.
    """
    result = evaluate(recalibrated(network, calibration), val)
    return metrics(fitness, n_avg, result.accuracy, result.spikes)


def metrics(fitness: Fitness, n_avg: float, accuracy: float, spikes: float) -> Metrics:
    """The metrics that are reported to NNI: ``default`` is the fitness."""
    default = fitness(accuracy, spikes, n_avg)
    return {"default": default, "accuracy": accuracy, "spikes": spikes}
