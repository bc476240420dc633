"""Counts by hand: constant weights, IF neurons (they sum their input and fire at 1)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import layer
from torch import Tensor, nn

from autosnn_nni.search_spaces import (
    BLOCKS,
    NEURONS,
    FiringRate,
    SpikeCounter,
    SpikingNetwork,
    spiking_layers,
)
from autosnn_nni.search_spaces.layers import VotingLayer, average_pool, max_pool
from autosnn_nni.search_spaces.network import Timesteps
from tests.search_spaces.fixtures import SPACES, blocks_for, images, small_network

IF = NEURONS["IF"]


def hand_made(
    timesteps: int, weight: float, fc_weight: float, **stages: nn.Module
) -> SpikingNetwork:
    """One channel: a stem that multiplies a 4x4 image by ``weight``, stages, one class."""
    conv = layer.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(conv.weight, weight)
    stem = nn.Sequential()
    stem.add_module("conv", conv)
    stem.add_module("neuron", IF())
    probe = nn.Sequential(*stages.values())
    features = probe(torch.zeros(1, 1, 4, 4)).numel()
    fc = VotingLayer(features, 1, IF)
    nn.init.constant_(fc.linear.weight, fc_weight)
    return SpikingNetwork(stem, nn.ModuleDict(stages), fc, Timesteps(timesteps))


def count(network: nn.Module, *batches: Tensor) -> SpikeCounter:
    with SpikeCounter(network) as counter:
        for batch in batches:
            network(batch)
    return counter


def by_name(counter: SpikeCounter) -> dict[str, float]:
    return {one.name: one.spikes for one in counter.layers()}


ONES = torch.ones(1, 1, 4, 4)
ONE_BRIGHT = torch.zeros(1, 1, 4, 4).index_put_((torch.tensor(0),) * 4, torch.tensor(1.0))


def test_the_stem_and_the_fully_connected_neurons_are_counted() -> None:
    # 0.5 a timestep: the 16 neurons fire at t = 2 and 4. 16 spikes x 1/16 = 1: the 10 fire as well.
    counter = count(hand_made(4, 0.5, 1 / 16), ONES)
    assert by_name(counter) == {"stem": 32, "fc": 20}
    assert counter.spikes == 52
    assert counter.neuron_spikes == 52


def test_a_max_pools_outputs_are_counted_beside_the_neurons() -> None:
    # One of 16 neurons fires at each of 3 timesteps; the pool passes it on each time.
    counter = count(hand_made(3, 1.0, 0.0, pool1=max_pool()), ONE_BRIGHT)
    assert by_name(counter) == {"stem": 3, "pool1": 3, "fc": 0}
    assert counter.spikes == 6
    assert counter.neuron_spikes == 3
    assert {one.name: one.kind for one in counter.layers()}["pool1"] == "pool"


def test_the_docstrings_example() -> None:
    # Four neurons fire at 2 timesteps: 8. A max-pool that passes 1 spike a timestep: 2.
    bright = torch.zeros(1, 1, 4, 4)
    bright[..., :2, :2] = 1
    assert by_name(count(hand_made(2, 1.0, 0.0, pool1=max_pool()), bright)) == {
        "stem": 8,
        "pool1": 2,
        "fc": 0,
    }


def test_an_identity_skip_adds_none() -> None:
    plain = count(hand_made(4, 0.5, 1 / 16), ONES)
    skipped = count(hand_made(4, 0.5, 1 / 16, tbd1=BLOCKS["skip"](1, 1, 1, IF)), ONES)
    assert skipped.layers() == plain.layers()


def test_an_average_pool_counts_its_neurons_only() -> None:
    # One spike of four a timestep: the average .25 sums to 1 at t = 4.
    counter = count(hand_made(4, 1.0, 0.0, pool1=average_pool(IF)), ONE_BRIGHT)
    assert by_name(counter) == {"stem": 4, "pool1": 1, "fc": 0}
    assert counter.neuron_spikes == 5


def test_every_neuron_layer_of_a_block_is_counted() -> None:
    block = BLOCKS["SCB_k3"](1, 1, 1, IF).eval()
    for unit in (block.conv1, block.conv2):
        nn.init.zeros_(unit[0].weight)
        unit[0].weight.data[..., 1, 1] = 1 + 1e-3  # a spike passes, whatever BN's epsilon
    counter = count(hand_made(2, 1.0, 0.0, tbd1=block), ONE_BRIGHT)
    assert by_name(counter) == {"stem": 2, "tbd1.neuron1": 2, "tbd1.neuron2": 2, "fc": 0}


def test_an_srbs_shortcut_is_not_counted_twice() -> None:
    block = BLOCKS["SRB_k3"](1, 1, 1, IF).eval()
    for unit in (block.conv1, block.conv2):
        nn.init.zeros_(unit[0].weight)
    # Only the shortcut brings current: 1 a timestep where the stem fires.
    counter = count(hand_made(2, 1.0, 0.0, tbd1=block), ONE_BRIGHT)
    assert by_name(counter) == {"stem": 2, "tbd1.neuron1": 0, "tbd1.neuron2": 2, "fc": 0}


def test_firing_rates_are_spikes_per_neuron_and_timestep() -> None:
    counter = count(hand_made(4, 0.5, 1 / 16, pool1=max_pool()), ONES)
    rates = {one.name: one.firing_rate for one in counter.layers()}
    assert rates == {"stem": 0.5, "pool1": 0.5, "fc": 0.0}  # 4 x 1/16 a spike, two spikes: 0.5
    assert counter.firing_rate == 32 / (4 * (16 + 10))
    assert {one.name: one.neurons for one in counter.layers()} == {"stem": 16, "pool1": 4, "fc": 10}


def test_the_mean_firing_rate_is_that_of_the_neurons_with_its_gradient() -> None:
    network = hand_made(4, 0.5, 1 / 16, pool1=max_pool())
    with FiringRate(network) as rate, SpikeCounter(network) as counter:
        network(torch.cat([ONES, ONE_BRIGHT]))
    assert float(rate.value()) == pytest.approx(counter.firing_rate)
    rate.value().backward()
    assert network.stem.conv.weight.grad > 0  # more current, more spikes


def test_the_mean_firing_rate_of_a_pooled_network_is_the_same() -> None:
    rates = []
    for pooled in (False, True):
        network = small_network(batch_norm="pooled" if pooled else "timestep").eval()
        with FiringRate(network) as rate:
            network(images())
        rates.append(float(rate.value()))
    assert rates[0] == pytest.approx(rates[1])


def test_spikes_are_per_image_over_all_batches() -> None:
    network = hand_made(4, 0.5, 1 / 16)
    counter = count(network, torch.cat([ONES, ONES * 0, ONES * 0]), ONES)
    assert counter.images == 4
    assert counter.total == 104
    assert counter.spikes == 26
    assert by_name(counter) == {"stem": 16, "fc": 10}
    assert counter.layers()[0].firing_rate == 0.25


def test_counting_ends_with_the_block() -> None:
    network = hand_made(4, 0.5, 1 / 16)
    counter = count(network, ONES)
    network(ONES)
    assert counter.total == 52


def test_counting_ends_when_a_forward_raises() -> None:
    network = hand_made(4, 0.5, 1 / 16)
    counter = SpikeCounter(network)
    with pytest.raises(RuntimeError), counter:
        network(torch.ones(1, 2, 4, 4))
    counter_after = count(network, ONES)
    assert counter_after.total == 52
    assert counter.total == 0


def test_counting_changes_no_output() -> None:
    network = small_network().eval()
    alone = network(images())
    with SpikeCounter(network):
        assert torch.equal(network(images()), alone)


def test_a_network_of_relus_sends_no_spikes() -> None:
    network = small_network(neuron="ANN").eval()
    counter = count(network, images())
    assert counter.layers() == []
    assert (counter.spikes, counter.neuron_spikes, counter.firing_rate) == (0, 0, 0)


def test_layers_are_named_in_the_order_of_the_network() -> None:
    counter = count(small_network("SNN_2").eval(), images())
    assert [one.name for one in counter.layers()] == [
        "stem",
        "tbd1.neuron1",
        "tbd1.neuron2",
        "pool1",
        "tbd2.neuron1",
        "tbd2.neuron2",
        "pool2",
        "tbd4.neuron1",
        "tbd4.neuron2",
        "tbd5.neuron1",
        "tbd5.neuron2",
        "pool3",
        "gap1",
        "fc",
    ]


def test_layers_that_would_be_called_the_same_have_their_whole_paths() -> None:
    """A plugin's block: its first neurons have four times the outputs of the others."""
    block = nn.Sequential()
    block.add_module("layers", IF())
    block.add_module("pool", nn.MaxPool2d(2))
    block.add_module("neuron", IF())
    network = hand_made(1, weight=1, fc_weight=1, block=block)
    counted = {one.name: (one.neurons, one.spikes) for one in count(network, ONES).layers()}
    assert counted == {
        "stem": (16, 16),
        "stages.block.layers": (16, 16),
        "block.pool": (4, 4),
        "stages.block.neuron": (4, 4),
        "fc": (10, 10),  # ten neurons vote for a class
    }


def test_per_timestep_and_pooled_count_the_same_in_eval_mode() -> None:
    plain = count(small_network().eval(), images())
    pooled = count(small_network(batch_norm="pooled").eval(), images())
    assert pooled.layers() == plain.layers()
    assert pooled.firing_rate == plain.firing_rate


@pytest.mark.parametrize("space", SPACES)
@settings(max_examples=5, deadline=None)
@given(timesteps=st.integers(1, 4), seed=st.integers(0, 100))
def test_spikes_never_exceed_one_per_output_and_timestep(
    space: str, timesteps: int, seed: int
) -> None:
    network = small_network(space, blocks_for(space), timesteps=timesteps).eval()
    counter = count(network, images(2, seed=seed))
    layers = counter.layers()
    assert len(layers) == len(list(spiking_layers(network)))
    assert all(0 <= one.spikes <= timesteps * one.neurons for one in layers)
    assert all(one.firing_rate == one.spikes / (timesteps * one.neurons) for one in layers)
    assert counter.spikes == pytest.approx(sum(one.spikes for one in layers))
    assert counter.neuron_spikes <= counter.spikes


def test_the_total_is_the_sum_over_the_images_alone() -> None:
    network = small_network().eval()
    each = sum(count(network, one).total for one in images().split(1))
    assert count(network, images()).total == each
