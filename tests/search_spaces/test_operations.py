"""Synaptic operations: by hand, as outputs of layers whose weights are 1, and SpikingJelly's."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from spikingjelly.activation_based import neuron
from spikingjelly.activation_based.op_counter import DispatchCounterMode, SynOpCounter
from torch import Tensor, nn

from autosnn_nni.kernels.library import SWITCH
from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces import (
    MACROS,
    TBD,
    LayerOperations,
    Macro,
    OperationCounter,
    Pool,
    SpikeCounter,
    SpikingNetwork,
    synaptic_operations,
)
from autosnn_nni.search_spaces.layers import Conv2d, Linear, Pointwise
from tests.search_spaces.fixtures import blocks_for, images, lively, small_network
from tests.search_spaces.test_spikes import ONES, hand_made


def one_spike(row: int, column: int, size: int = 5) -> Tensor:
    spikes = torch.zeros(1, 1, size, size)
    spikes[..., row, column] = 1
    return spikes


@pytest.mark.parametrize(
    ("layer", "row", "column", "operations"),
    [
        (Conv2d(1, 2, 3, padding=1), 0, 0, 8),
        (Conv2d(1, 2, 3, padding=1), 0, 2, 12),
        (Conv2d(1, 2, 3, padding=1), 2, 2, 18),
        (Conv2d(1, 2, 3, padding=0), 0, 0, 2),
        (Conv2d(1, 1, 3, stride=2, padding=1), 1, 1, 4),
        (Conv2d(1, 1, 3, stride=2, padding=1), 2, 2, 1),
        (Conv2d(1, 1, 3, padding=2, dilation=2), 0, 0, 4),
        (nn.Conv2d(1, 2, 3, padding="same"), 0, 0, 8),
        (nn.Conv2d(1, 2, 3, padding="valid"), 0, 0, 2),
        (nn.Conv2d(1, 1, 2, padding="same"), 0, 0, 1),  # it pads at the right and the bottom alone
        (nn.Conv2d(1, 1, 2, padding="same"), 4, 4, 4),
        (nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), 0, 0, 18),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), 0, 0, 4),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="replicate"), 0, 0, 9),
        (nn.Conv2d(1, 1, (3, 1), padding=(1, 0)), 0, 0, 2),
        (Pointwise(1, 3), 1, 2, 3),
        (Pointwise(1, 3, 2), 2, 2, 3),
        (Pointwise(1, 3, 2), 1, 2, 0),
        (Linear(25, 7), 0, 0, 7),
    ],
)
def test_a_spike_costs_as_many_operations_as_it_has_targets(
    layer: Any, row: int, column: int, operations: int
) -> None:
    assert synaptic_operations(layer, one_spike(row, column)) == operations


@given(
    kernel=st.sampled_from([1, 2, 3, 5, 7]),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    groups=st.sampled_from([1, 2, 6]),
    height=st.integers(7, 11),
    width=st.integers(7, 11),
    seed=st.integers(0, 99),
)
def test_operations_are_the_outputs_of_a_layer_whose_weights_are_1(
    kernel: int, stride: int, padding: int, groups: int, height: int, width: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(2, 3, 6, height, width, generator=generator) < 0.3).double()
    layer = nn.Conv2d(6, 12, kernel, stride, padding, groups=groups)
    ones = torch.ones_like(layer.weight, dtype=torch.float64)
    outputs = F.conv2d(spikes.flatten(0, 1), ones, None, stride, padding, groups=groups)
    assert synaptic_operations(layer, spikes) == outputs.sum()
    assert synaptic_operations(layer, Spikes.of(spikes)) == outputs.sum()


@pytest.mark.parametrize("mode", ["zeros", "circular", "replicate"])
@given(
    sides=st.integers(1, 3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
)
def test_so_are_those_of_convolutions_of_any_dimension(
    mode: str,
    sides: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    size = (8, 9, 7)[:sides]
    spikes = (torch.rand(3, 4, *size, generator=generator) < 0.3).double()
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    layer = kinds[sides - 1](
        *(4, 6, kernel, stride, padding, dilation, groups), bias=False, padding_mode=mode
    ).double()
    nn.init.ones_(layer.weight)
    assert synaptic_operations(layer, spikes) == layer(spikes).sum()


@given(
    sides=st.integers(1, 3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    more=st.integers(0, 2),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
)
def test_and_of_transposed_ones(
    sides: int,
    kernel: int,
    stride: int,
    padding: int,
    more: int,
    dilation: int,
    groups: int,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(3, 4, *(5, 6, 7)[:sides], generator=generator) < 0.3).double()
    kinds = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    more = min(more, max(stride, dilation) - 1)  # torch's limit
    layer = kinds[sides - 1](
        *(4, 6, kernel, stride, padding, more, groups), bias=False, dilation=dilation
    ).double()
    nn.init.ones_(layer.weight)
    assert synaptic_operations(layer, spikes) == layer(spikes).sum()


def count(network: nn.Module, batch: Tensor) -> OperationCounter:
    with OperationCounter(network) as operations, torch.no_grad():
        network(batch)
    return operations


def test_operations_are_per_image_and_over_all_timesteps() -> None:
    # The 16 neurons of the stem fire at t = 2 and 4, and the layer has 10 outputs.
    twice = count(hand_made(4, 0.5, 1 / 16), torch.cat([ONES, ONES]))
    assert [one for one in twice.layers() if one.synops] == [
        LayerOperations("fc.linear", synops=320, macs=0, dense=640, parameters=160)
    ]
    assert twice.synops == 320


def test_layers_that_get_averages_or_normalised_numbers_multiply() -> None:
    network = small_network("VGG16-SALT", shape=(3, 32, 32)).eval()
    layers = count(network, images(1, (3, 32, 32))).layers()
    # blocks 2, 4, 7, 10 and fc1 are behind mean pools, fc is behind batch norm
    behind_spikes = [f"block{number}.conv" for number in (1, 3, 5, 6, 8, 9, 11, 12)]
    assert [one.name for one in layers if one.synops] == [*behind_spikes, "fc2.linear"]
    behind_numbers = [f"block{number}.conv" for number in (2, 4, 7, 10)]
    multiplying = [one.name for one in layers if one.macs]
    assert multiplying == ["stem.conv", *behind_numbers, "fc1.linear", "fc.linear"]


class Numbers(nn.Module):
    """A user's block whose second layer gets no spikes: depthwise, batch norm, pointwise."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(2, 2, 3, padding=1, groups=2, bias=False)
        self.norm = nn.BatchNorm2d(2)
        self.pointwise = nn.Conv2d(2, 4, 1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.neuron = neuron.IFNode()

    def forward(self, x: Tensor) -> Tensor:
        return self.neuron(self.pool(self.pointwise(self.norm(self.depthwise(x)))))


def test_of_other_layers_the_inputs_tell() -> None:
    block = Numbers().eval()
    nn.init.constant_(block.norm.bias, -0.3)  # sums of such inputs are negative
    spikes = (torch.rand(2, 2, 6, 6, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    depthwise, pointwise = count(block, spikes).layers()
    assert (depthwise.synops, depthwise.macs) == (
        synaptic_operations(block.depthwise, spikes) / 2,
        0,
    )
    assert (pointwise.synops, pointwise.macs) == (0, 2 * 36 * 4)
    assert count(block, torch.zeros(1, 2, 6, 6)).synops == 0


@pytest.mark.usefixtures("registries")
def test_both_halves_behind_an_average_pool_multiply() -> None:
    """A skip that halves the image reads it twice, the second time shifted by a pixel."""
    MACROS.add("averaged", Macro((TBD(1), Pool("mean"), TBD(2, stride=2))))
    network = small_network("averaged", ("SCB_k3", "skip"), averages="mean", neuron="IF").eval()
    layers = count(lively(network), images(2)).layers()
    halves = [one for one in layers if one.name.startswith("tbd2.")]
    assert len(halves) == 2
    assert all(one.macs > 0 == one.synops for one in halves)


@pytest.mark.usefixtures("registries")
def test_a_max_pool_of_currents_sends_no_spikes_and_a_layer_behind_it_multiplies() -> None:
    MACROS.add("currents", Macro((TBD(1), Pool("max"), TBD(2)), currents=True))
    network = lively(small_network("currents", ("skip", "SCB_k3"))).eval()
    spikes = SpikeCounter(network)
    with spikes:
        layers = count(network, images(2)).layers()
    pools = [one for one in spikes.layers() if one.kind == "pool"]
    assert [one.spikes for one in pools] == [0]
    first = next(one for one in layers if one.name == "tbd2.conv1")
    assert first.macs > 0 == first.synops


def by_spikingjelly(network: SpikingNetwork, batch: Tensor) -> float:
    counter = SynOpCounter()
    with DispatchCounterMode([counter]), torch.no_grad():
        network(batch)
    return counter.get_total() / len(batch)


@pytest.mark.parametrize("space", ["SNN_1", "SNN_2", "SNN_3", "SNN_4"])
@pytest.mark.parametrize("kernels", ["1", "0"])
def test_spikingjelly_counts_the_same(
    monkeypatch: pytest.MonkeyPatch, space: str, kernels: str
) -> None:
    network, batch = small_network(space).eval(), images(4)
    monkeypatch.setenv(SWITCH, "0")
    expected = by_spikingjelly(network.double(), batch)
    monkeypatch.setenv(SWITCH, kernels)
    assert count(network.double(), batch).synops == expected > 0


@pytest.mark.parametrize("block", ["skip", "SCB_k5", "SRB_k3", "SIB_k3_e3", "max_pool"])
def test_every_block_is_counted_as_by_spikingjelly(
    monkeypatch: pytest.MonkeyPatch, block: str
) -> None:
    blocks = [block] * len(blocks_for("SNN_3"))
    network, batch = small_network("SNN_3", blocks).eval(), images(4)
    found = count(network, batch).synops
    monkeypatch.setenv(SWITCH, "0")
    assert found == by_spikingjelly(network.double(), batch) > 0


def test_watching_changes_nothing() -> None:
    network, batch = small_network("SNN_3").eval(), images(4)
    with torch.no_grad():
        before = network(batch)
        with OperationCounter(network):
            watched = network(batch)
    assert torch.equal(before, watched)


def test_the_stem_multiplies_once_for_an_image_and_for_each_frame_of_events() -> None:
    network = small_network("SNN_1").eval()
    image = images(1)
    (stem, *_) = count(network, image).layers()
    side = image.shape[-1]
    whole = 4 * 3 * (3 * side - 2) ** 2  # channels x windows: borders have two instead of three
    assert (stem.name, stem.macs, stem.dense) == ("stem.conv", whole, whole)
    frames = image.unsqueeze(1).repeat(1, 3, 1, 1, 1)
    frames[:, 1] = 0
    (stem, *_) = count(network, frames).layers()
    assert (stem.macs, stem.dense) == (2 * whole, 3 * whole)


def test_a_relu_network_only_multiplies() -> None:
    network = small_network("SNN_1", neuron="ANN").eval()
    found = count(network, images(1))
    assert found.synops == 0
    assert found.macs == sum(one.macs for one in found.layers()) > 0
    assert all(0 < one.macs <= one.dense for one in found.layers())


@pytest.mark.parametrize("space", ["SNN_1", "SNN_3"])
def test_dense_are_the_operations_of_inputs_without_zeros(space: str) -> None:
    layers = count(small_network(space).eval(), images(2)).layers()
    assert all(0 <= one.synops + one.macs <= one.dense for one in layers)
    assert sum(one.parameters for one in layers) == sum(
        module.weight.numel()
        for module in small_network(space).modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    )
