"""Memory is estimated from below, and what can't fit is refused before it is built."""

import math
from typing import Any

import pytest

from autosnn_nni.search_spaces import NetworkConfig, SpikingSpace, build_network
from autosnn_nni.search_spaces.memory import count_parameters, inference_memory, training_memory


def config(space: str = "SNN_1", **options: Any) -> NetworkConfig:
    return NetworkConfig(space, **{"shape": (3, 32, 32), "classes": 10, **options})


@pytest.mark.parametrize("space", ["SNN_1", "SNN_3", "CIFARNet-Wu", "ResNet11-Lee", "Speck"])
@pytest.mark.parametrize("block", ["skip", "SRB_k5"])
def test_parameters_are_those_of_the_network(space: str, block: str) -> None:
    """But for the first convolution and its batch norm."""
    settings = config(space, channels=4)
    blocks = (block,) * settings.macro.tbd_blocks
    network = build_network(settings, blocks)
    first = sum(weights.numel() for weights in network.stem.parameters())
    total = sum(weights.numel() for weights in network.parameters())
    assert total - first <= count_parameters(settings, blocks) <= total


def test_a_supernet_has_all_candidates() -> None:
    space = SpikingSpace("SNN_1", shape=(3, 32, 32), classes=10, channels=4, timesteps=2)
    total = sum(weights.numel() for weights in space.parameters())
    assert 0.95 * total < count_parameters(space.config) <= total


def test_what_torch_cannot_describe_is_endless() -> None:
    assert count_parameters(config(channels=10**12)) == math.inf


def test_an_estimate_is_below_what_was_measured() -> None:
    """The peaks that ``search_spaces/memory.py`` names, with the kernels: 188 and 594 MiB."""
    for block, measured in (("skip", 188), ("SRB_k3", 594)):
        estimate = training_memory(config(channels=16, timesteps=8), 96, (block,) * 5)
        assert 140 < estimate / 2**20 < measured


def test_scoring_holds_the_spikes_of_all_timesteps() -> None:
    many = inference_memory(config(timesteps=10**7), 16, ("skip",) * 5)
    assert many > 10**7 * 16 * (16 * 32 * 32) / 8


def test_memory_grows_with_what_is_kept() -> None:
    blocks = ("skip",) * 5
    small = config(channels=4, timesteps=2)
    for more in (config(channels=8, timesteps=2), config(channels=4, timesteps=4)):
        assert training_memory(more, 8, blocks) > training_memory(small, 8, blocks)
        assert inference_memory(more, 8, blocks) > inference_memory(small, 8, blocks)
    assert training_memory(small, 16, blocks) > training_memory(small, 8, blocks)
    ann = [training_memory(config(neuron="ANN", timesteps=t), 8, blocks) for t in (2, 10**9)]
    assert ann[0] == ann[1]
