"""From names to networks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from torch import nn

from autosnn_nni.search_spaces.architecture import to_sample
from autosnn_nni.search_spaces.blocks import BLOCKS, SpikingConv, average_pool, max_pool
from autosnn_nni.search_spaces.config import NetworkConfig
from autosnn_nni.search_spaces.macro import TBD
from autosnn_nni.search_spaces.network import GlobalAveragePool, SpikingNetwork, VotingLayer
from autosnn_nni.search_spaces.neurons import NEURONS, NeuronFactory

MakeSlot = Callable[[str, Mapping[str, Callable[[], nn.Module]]], nn.Module]


def build_network(config: NetworkConfig, blocks: Sequence[str]) -> SpikingNetwork:
    """The stand-alone network of one architecture, freshly initialised."""
    chosen = to_sample(config.check(blocks))
    config = replace(config, candidates=tuple(dict.fromkeys(blocks)))
    return assemble(config, lambda label, makers: makers[chosen[label]]())


def assemble(config: NetworkConfig, make_slot: MakeSlot) -> SpikingNetwork:
    """The network whose TBD blocks are what ``make_slot`` makes of a label and its candidates."""
    neuron = NEURONS[config.neuron]
    stem = SpikingConv(config.shape[0], config.channels, 3, neuron)
    stages, channels = _stages(config, neuron, make_slot)
    features = channels if config.macro.global_pool else _features(config, channels)
    timesteps = 1 if config.neuron == "ANN" else config.timesteps  # without state all are equal
    fc = VotingLayer(features, config.classes, neuron)
    return SpikingNetwork(stem, stages, fc, timesteps, pooled=config.pooled)


def _stages(
    config: NetworkConfig, neuron: NeuronFactory, make_slot: MakeSlot
) -> tuple[dict[str, nn.Module], int]:
    stages: dict[str, nn.Module] = {}
    channels, slots, pools = config.channels, 0, 0
    for stage in config.macro.stages:
        if isinstance(stage, TBD):
            slots += 1
            label, wide = f"tbd{slots}", stage.width * config.channels
            stages[label] = make_slot(label, _makers(config, channels, wide, stage.stride, neuron))
            channels = wide
        else:
            pools += 1
            stages[f"pool{pools}"] = max_pool() if stage.kind == "max" else average_pool(neuron)
    if config.macro.global_pool:
        stages["gap"] = GlobalAveragePool(neuron)
    return stages, channels


def _makers(
    config: NetworkConfig, in_channels: int, out_channels: int, stride: int, neuron: NeuronFactory
) -> dict[str, Callable[[], nn.Module]]:
    def maker(name: str) -> Callable[[], nn.Module]:
        return lambda: BLOCKS[name](in_channels, out_channels, stride, neuron)

    return {name: maker(name) for name in config.candidates}


def _features(config: NetworkConfig, channels: int) -> int:
    """Inputs of the fully connected layer."""
    height, width = (config.macro.output_side(side) for side in config.shape[1:])
    return channels * height * width
