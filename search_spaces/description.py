"""Describe a network without training it: parameters, neurons, stages."""

from dataclasses import dataclass

import torch

from autosnn_nni.search_spaces.architecture import Architecture, to_sample, to_text
from autosnn_nni.search_spaces.config import NetworkConfig
from autosnn_nni.search_spaces.network import SpikingNetwork
from autosnn_nni.search_spaces.spikes import SpikeCounter, neurons_in


@dataclass(frozen=True)
class DescribedStage:
    """One stage of a network for drawings; ``size`` is the side length of its square output."""

    name: str
    kind: str
    block: str
    out_channels: int
    size: int


@dataclass(frozen=True)
class Description:
    """Parameter and neuron counts of one architecture.

    ``neurons`` counts the spiking neurons, ``pool_outputs`` the max-pools' outputs, which send
    spikes as well (the paper's 6.4 HWC of Section B.3 counts both).
    """

    blocks: Architecture
    parameters: int
    neurons: int
    pool_outputs: int
    stages: tuple[DescribedStage, ...]


def describe(network: SpikingNetwork, config: NetworkConfig, blocks: Architecture) -> Description:
    """Describe the stand-alone ``network`` of ``config`` with the architecture ``blocks``."""
    modes = {module: module.training for module in network.modules()}
    with SpikeCounter(network) as counter, torch.no_grad():
        network.eval()(network.fc.linear.weight.new_zeros(1, *config.shape))
    for module, training in modes.items():
        module.training = training
    layers = counter.layers()
    return Description(
        blocks=blocks,
        parameters=network.parameter_count,
        neurons=neurons_in(layers),
        pool_outputs=sum(layer.neurons for layer in layers if layer.kind == "pool"),
        stages=tuple(_stages(network, config, blocks)),
    )


def _stages(
    network: SpikingNetwork, config: NetworkConfig, blocks: Architecture
) -> list[DescribedStage]:
    chosen = to_sample(blocks)
    kernel, side = config.macro.kernel, config.shape[1] // config.macro.shrink
    drawn = [DescribedStage("stem", "stem", f"conv {kernel}x{kernel}", config.channels, side)]
    for placed in config.stages:
        block = to_text([chosen[label] for label in placed.labels]) or placed.stage.title
        channels, side, _ = placed.after
        drawn.append(DescribedStage(placed.name, placed.stage.kind, block, channels, side))
    voters = DescribedStage("fc", "head", "fully connected", network.fc.linear.out_features, 1)
    return [*drawn, voters, DescribedStage("vote", "head", "voting", config.classes, 1)]
