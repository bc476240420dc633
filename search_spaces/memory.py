"""The memory that a network takes, estimated before it is built.

The estimates are lower bounds, so that nothing is refused that would fit.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

from autosnn_nni.kernels.library import supported
from autosnn_nni.search_spaces.architecture import to_sample
from autosnn_nni.search_spaces.blocks import BLOCKS
from autosnn_nni.search_spaces.config import NetworkConfig
from autosnn_nni.search_spaces.layers import VotingLayer
from autosnn_nni.search_spaces.stages import Maker

_FLOAT = 4  # bytes
#: Weights, their gradients, and Adam's two moments.
_PER_PARAMETER = 4
#: Floats that a training step keeps for each output of a stage. Measured as the growth of VmHWM in
#: the first two steps (SNN_1, C = 16, T = 8, 32x32 pixels, batches of 96, on a CPU): with the
#: kernels 1.0 for a path of skips, 3.1 for one of SRB_k3; without them 2.9 and 9.4.
_KEPT_BY_TRAINING, _KEPT_WITHOUT_NEURONS = 0.8, 1.0
#: Bytes of one timestep's votes, a tensor of its own for each.
_VOTES = 1000


def training_memory(
    config: NetworkConfig, batch_size: int, blocks: Sequence[str] | None = None
) -> float:
    """Bytes that training takes, of a supernet or of the network of ``blocks``."""
    kept = _KEPT_WITHOUT_NEURONS if config.neuron == "ANN" else _KEPT_BY_TRAINING
    activations = kept * _timesteps(config) * batch_size * _outputs(config)
    return _FLOAT * (_PER_PARAMETER * count_parameters(config, blocks) + activations)


def inference_memory(config: NetworkConfig, batch_size: int, blocks: Sequence[str]) -> float:
    """Bytes that the network of ``blocks`` takes for a batch.

    Torch goes one timestep after another. The kernels hold a layer's spikes of all, as bits.
    """
    outputs = batch_size * max(math.prod(placed.after) for placed in config.stages)
    floats = count_parameters(config, blocks) + outputs
    spikes = outputs / 8 if config.neuron != "ANN" and supported(torch.empty(0)) else 0
    return _FLOAT * floats + (_VOTES + spikes) * _timesteps(config)


def count_parameters(config: NetworkConfig, blocks: Sequence[str] | None = None) -> float:
    """The number of parameters of a supernet, or of the network of ``blocks``.

    It is infinite if torch can't even describe them. Blocks of plugins that can't be made without
    their weights are left out, as is the first convolution.
    """
    chosen = None if blocks is None else to_sample(blocks)
    neuron = config.make_neuron
    counts: list[float] = []

    def slot(label: str, before: int, after: int, stride: int) -> nn.Module:
        for name in config.candidates if chosen is None else (chosen[label],):
            make = partial(config.macro.blocks[name], before, after, stride, neuron)
            counts.append(_count(make))
        return nn.Identity()

    def fixed(name: str, before: int, after: int, stride: int) -> nn.Module:
        counts.append(_count(partial(BLOCKS[name], before, after, stride, neuron)))
        return nn.Identity()

    maker = Maker(config.channels, neuron, slot, fixed)
    for placed in config.stages:
        counts.append(_count(partial(placed.stage.build, placed.before, placed.labels, maker)))
    features = math.prod(config.features)
    voters = config.macro.voters
    counts.append(_count(partial(VotingLayer, features, config.classes, neuron, voters=voters)))
    return sum(counts)


def _count(make: Callable[[], nn.Module]) -> float:
    try:
        with torch.device("meta"):  # without memory for the weights
            return sum(weights.numel() for weights in make().parameters())
    except (RuntimeError, OverflowError) as error:
        return math.inf if "overflow" in str(error) else 0
    except Exception:  # whatever a plugin raises; it is tried later
        return 0


def _timesteps(config: NetworkConfig) -> int:
    return 1 if config.neuron == "ANN" else max(config.timesteps_choice)


def _outputs(config: NetworkConfig) -> int:
    """Outputs of all stages for one image at one timestep."""
    first = config.stages[0].before
    return math.prod(first) + sum(math.prod(placed.after) for placed in config.stages)
