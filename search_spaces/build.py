"""Build networks from the names of blocks."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from autosnn_nni.search_spaces.architecture import TIMESTEPS, timesteps_name, to_sample
from autosnn_nni.search_spaces.blocks import BLOCKS
from autosnn_nni.search_spaces.config import NetworkConfig
from autosnn_nni.search_spaces.layers import SpikingConv, VotingLayer, add_up_averages
from autosnn_nni.search_spaces.network import SpikingNetwork, Timesteps
from autosnn_nni.search_spaces.norms import NORMS, keep_statistics, lift
from autosnn_nni.search_spaces.probe import probe_candidates
from autosnn_nni.search_spaces.stages import Maker

MakeSlot = Callable[[str, Mapping[str, Callable[[], nn.Module]]], nn.Module]


def build_network(config: NetworkConfig, architecture: Sequence[str]) -> SpikingNetwork:
    """Build the stand-alone network of one architecture, newly initialised."""
    config, blocks = config.stand_alone(architecture)
    chosen = to_sample(blocks)
    config = replace(config, candidates=tuple(dict.fromkeys(blocks)))
    return assemble(config, lambda label, makers: makers[chosen[label]]())


def assemble(config: NetworkConfig, make_slot: MakeSlot) -> SpikingNetwork:
    """Build a network; ``make_slot`` makes each choice from its label and its candidates.

    Raises :class:`UserError` for a plugin's block that would give wrong results.
    """
    neuron = config.make_neuron

    def slot(label: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
        shape = (in_channels, out_channels, stride, neuron)
        blocks = config.macro.blocks
        return make_slot(label, {name: partial(blocks[name], *shape) for name in config.candidates})

    def fixed(name: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
        return BLOCKS[name](in_channels, out_channels, stride, neuron)

    alone = probe_candidates(config)
    maker = Maker(config.channels, neuron, slot, fixed)
    stem = SpikingConv(
        config.shape[0],
        config.channels,
        1,
        nn.Identity if config.macro.currents else neuron,
        kernel=config.macro.kernel,
    )
    stages = nn.ModuleDict(
        {
            placed.name: placed.stage.build(placed.before, placed.labels, maker)
            for placed in config.stages
        }
    )
    fc = VotingLayer(math.prod(config.features), config.classes, neuron, config.macro.voters)
    NORMS[config.macro.batch_norm](stem, stages, fc, max(config.timesteps_choice))
    if config.batch_norm == "kept":
        keep_statistics(stages, max(config.timesteps_choice))
    if config.averages == "sum":
        add_up_averages(stages)
    timesteps = _timesteps(config, make_slot)
    network = SpikingNetwork(
        stem,
        stages,
        fc,
        timesteps,
        pooled=config.batch_norm == "pooled",
        shrink=config.macro.shrink,
        alone=alone,
    )
    if config.macro.batch_norm == "last":
        lift(network, config.shape)
    return network


def _timesteps(config: NetworkConfig, make_slot: MakeSlot) -> nn.Module:
    if isinstance(config.timesteps, int):
        # ReLUs have no state, so all timesteps would be equal.
        return Timesteps(1 if config.neuron == "ANN" else config.timesteps)
    return make_slot(
        TIMESTEPS, {timesteps_name(count): partial(Timesteps, count) for count in config.timesteps}
    )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Context manager that seeds torch and restores the caller's random state afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
