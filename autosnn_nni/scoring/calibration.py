"""Compute the statistics of a network's layers again, on given batches."""

import copy
from collections.abc import Container, Iterator, Sequence

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from autosnn_nni.scoring.batches import Batch
from autosnn_nni.search_spaces import SpikingNetwork


def recalibrated(network: SpikingNetwork, batches: Sequence[Batch]) -> SpikingNetwork:
    """Return a copy with batch norm statistics of ``batches`` only; unchanged without batches.

    Running statistics of a supernet mix all its paths; in a network in training they lag behind the
    weights. With them accuracies are erratic and a supernet's ranking is close to chance.
    """
    network = copy.deepcopy(network)
    if batches:
        _calibrate(network, batches)
    return network


def set_calibration_mode(module: nn.Module, others: Container[nn.Module] = ()) -> None:
    """Let only layers with statistics train: batch norm, and the ``others``.

    Dropout and the like stay off, so that results do not depend on random numbers.
    """
    module.eval()
    for layer in module.modules():
        layer.training = isinstance(layer, _BatchNorm) or layer in others


def batch_norms(module: nn.Module) -> Iterator[_BatchNorm]:
    """All batch norm layers, in order."""
    return (layer for layer in module.modules() if isinstance(layer, _BatchNorm))


def _others_with_statistics(network: SpikingNetwork, batch: Batch) -> set[nn.Module]:
    """Layers of plugins, besides batch norm, whose buffers change when they train."""
    layers = {
        path: layer
        for path, layer in network.named_modules()
        if not isinstance(layer, _BatchNorm) and any(True for _ in layer.buffers(recurse=False))
    }
    if not layers:
        return set()
    trial = copy.deepcopy(network).eval()
    for path in layers:
        trial.get_submodule(path).training = True
    with torch.random.fork_rng():
        trial(batch[0])
    return {layer for path, layer in layers.items() if not _alike(layer, trial.get_submodule(path))}


def _alike(layer: nn.Module, other: nn.Module) -> bool:
    pairs = zip(layer.buffers(recurse=False), other.buffers(recurse=False), strict=True)
    return all(torch.equal(one, another) for one, another in pairs)


@torch.no_grad()
def _calibrate(network: SpikingNetwork, batches: Sequence[Batch]) -> None:
    """Average the statistics over all batches, as torch's ``update_bn`` does."""
    was_training, momenta = network.training, {}
    for layer in batch_norms(network):
        layer.reset_running_stats()
        momenta[layer] = layer.momentum
        layer.momentum = None
    set_calibration_mode(network, _others_with_statistics(network, batches[0]))
    for images, _ in batches:
        network(images)
    for layer, momentum in momenta.items():
        layer.momentum = momentum
    network.train(was_training)
