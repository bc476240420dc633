"""Accuracy and spikes of networks with given weights."""

import math
import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor

from autosnn_nni.kernels.weights import fixed_weights
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
    neurons_in,
)
from autosnn_nni.strategies import Fitness, Measurements, Metrics, find_objective
from autosnn_nni.strategies.measurements import EqualUnknowns

#: So many images are timed.
_TIMED = 9


@dataclass(frozen=True, eq=False)
class Evaluation(EqualUnknowns):
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
        fixed_weights(),
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


def measure(
    network: SpikingNetwork, batches: Sequence[Batch], *, timed: bool = False
) -> Measurements:
    """Everything by which a search compares networks; ``timed`` adds the milliseconds."""
    result = evaluate(network, batches, operations=True)
    images, _ = batches[0]
    return Measurements(
        accuracy=result.accuracy,
        spikes=result.spikes,
        synops=result.synops,
        macs=result.macs,
        parameters=network.parameter_count,
        neurons=neurons_in(result.layers),
        timesteps=network.steps(images),
        milliseconds=milliseconds(network, images) if timed else math.nan,
    )


@torch.inference_mode()
def milliseconds(network: SpikingNetwork, images: Tensor) -> float:
    """The median time of one image alone, over the first of ``images``."""
    folded = fold_batch_norm(network)
    folded(images[:1])
    seconds = []
    for number in range(min(_TIMED, len(images))):
        start = time.perf_counter()
        folded(images[number : number + 1]).sum().item()  # waits for a GPU
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def score(
    network: SpikingNetwork,
    val: Sequence[Batch],
    calibration: Sequence[Batch],
    *,
    timed: bool = False,
) -> Measurements:
    """Measure a network on ``val`` with the batch norm statistics of ``calibration``.

    Without calibration batches, the network's own statistics are used.
    """
    return measure(recalibrated(network, calibration), val, timed=timed)


def metrics(fitness: Fitness, average: float, measured: Measurements) -> Metrics:
    """What is reported to NNI: ``default`` is the fitness; measurements; ``energy`` in joules.

    ``average`` is the mean cost of the supernet's paths (N_avg, for spikes).
    """
    found = {"default": fitness.of(measured, average), **measured.measured}
    joules = find_objective("energy").value(measured)
    return found if math.isnan(joules) else {**found, "energy": joules}
