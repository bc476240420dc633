"""Lively networks: no layer is silent, and the contracts see a fault in their last layers."""

import os
from collections.abc import Mapping
from random import Random

import pytest
import torch
from torch import Tensor, nn

from autosnn_nni.kernels.library import SWITCH
from autosnn_nni.search_spaces import (
    BLOCKS,
    MACROS,
    Architecture,
    NetworkConfig,
    NeuronFactory,
    SpikingNetwork,
    SpikingSpace,
    build_network,
    path_weights,
    subnet,
    to_sample,
)
from autosnn_nni.search_spaces.blocks import SCB
from autosnn_nni.strategies import Choices
from autosnn_nni.testing import BlockContract, SpaceContract, spaces
from autosnn_nni.testing.lively import lively
from autosnn_nni.testing.samples import images


def config_of(space: str, *candidates: str) -> NetworkConfig:
    side = max(16, MACROS[space].least_side)
    return NetworkConfig(
        space, shape=(2, side, side), classes=3, channels=4, timesteps=2, candidates=candidates
    )


def silent_layers(network: SpikingNetwork, images: Tensor) -> set[str]:
    """The layers with weights that get no spikes."""
    silent, kinds = set(), (nn.Conv2d, nn.Linear)
    for name, layer in network.named_modules():
        if isinstance(layer, kinds):
            silent.add(name)
            layer.register_forward_pre_hook(
                lambda layer, inputs, name=name: silent.discard(name) if inputs[0].any() else None
            )
    with torch.no_grad():
        network(images)
    return silent


def network_of(config: NetworkConfig, blocks: Architecture) -> SpikingNetwork:
    return lively(build_network(config, blocks).double().eval(), images(config))


@pytest.mark.parametrize("block", BLOCKS)
def test_every_layer_of_a_block_gets_spikes(block: str) -> None:
    config = config_of("SNN_1", block)
    assert silent_layers(network_of(config, (block,) * 5), images(config)) == set()


@pytest.mark.parametrize("space", MACROS)
def test_every_layer_of_a_network_gets_spikes(space: str) -> None:
    config = config_of(space, *MACROS[space].candidates)
    blocks = Choices([config.candidates] * config.macro.tbd_blocks).random(Random(1))
    assert silent_layers(network_of(config, blocks), images(config)) == set()


def test_a_new_network_is_silent() -> None:
    config = config_of("SNN_1", "SCB_k3")
    network = build_network(config, ("SCB_k3",) * 5).double().eval()
    assert "fc.linear" in silent_layers(network, images(config))


def test_every_path_of_a_supernet_votes() -> None:
    config = config_of("SNN_3", "skip", "SRB_k3", "max_pool")
    supernet = SpikingSpace(**vars(config)).network.double().train()
    samples = [to_sample((block,) * 8) for block in config.candidates]
    lively(supernet, images(config), samples)
    assert supernet.training
    for sample in samples:
        assert subnet(supernet, sample).eval()(images(config)).any()


def test_a_network_that_never_votes_is_refused() -> None:
    config = config_of("SNN_1", "skip")
    network = build_network(config, ("skip",) * 5)
    network.fc.linear.register_forward_hook(lambda layer, inputs, currents: 0 * currents)
    with pytest.raises(AssertionError, match="all votes are zero, so a comparison of them would"):
        lively(network, images(config))


class Faulty(SCB):
    """With the kernels, a channel of its widest layers is lost."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, neuron: NeuronFactory
    ) -> None:
        super().__init__(in_channels, out_channels, stride, neuron, kernel=3)
        self.is_wide = out_channels == 16

    def forward(self, x: Tensor) -> Tensor:
        spikes = super().forward(x)
        if self.is_wide and os.environ.get(SWITCH) != "0":
            spikes = spikes * (torch.arange(16) > 0).view(-1, 1, 1)
        return spikes


@pytest.mark.usefixtures("registries")
def test_a_fault_of_the_kernels_in_a_last_layer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    BLOCKS.add("faulty", Faulty)
    contract = BlockContract()
    with pytest.raises(AssertionError, match="not close"):
        contract.test_the_kernels_change_nothing("faulty", monkeypatch)
    with pytest.raises(AssertionError, match="not close"):
        contract.test_the_kernels_train_it_alike("faulty", monkeypatch)


@pytest.mark.parametrize("space", MACROS)
def test_other_weights_in_the_last_layer_fail(space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(weights: Mapping[str, Tensor], sample: Mapping[str, str]) -> dict[str, Tensor]:
        path = path_weights(weights, sample)
        return {**path, "fc.linear.weight": -path["fc.linear.weight"]}

    monkeypatch.setattr(spaces, "path_weights", wrong)
    with pytest.raises(AssertionError):
        SpaceContract().test_a_path_of_the_supernet_is_the_network(space)
