import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autosnn_nni.search_spaces import (
    BLOCKS,
    NetworkConfig,
    SpikeCounter,
    build_network,
    describe,
)
from tests.search_spaces.fixtures import FOUND, SPACES, images, small_config, small_network

SHAPE = (3, 32, 32)
HWC = 32 * 32 * 16


def cifar(blocks: tuple[str, ...], channels: int = 16, space: str = "SNN_1") -> NetworkConfig:
    return NetworkConfig(space, shape=SHAPE, classes=10, channels=channels, timesteps=1)


def test_neurons_of_scb_k3_by_the_papers_formula() -> None:
    # Section B.3: 2hwc a block. Stem HWC, blocks 2, 2/4 x 2, 2/16 x 4 x 2 ... in units of HWC.
    blocks = ("SCB_k3",) * 5
    config = cifar(blocks)
    described = describe(build_network(config, blocks), config, blocks)
    in_blocks = 2 * 1 + 2 * (2 / 4) * 2 + 2 * (4 / 16) * 2
    assert described.neurons == (1 + in_blocks) * HWC + 100
    assert described.pool_outputs == (1 / 4 + 2 / 16 + 4 / 64) * HWC
    assert round((described.neurons + described.pool_outputs) / HWC, 1) == 6.4


@pytest.mark.parametrize(("expansion", "total"), [(1, 8.0), (3, 16.5)])
def test_neurons_of_sib_by_the_papers_formula(expansion: int, total: float) -> None:
    # Section B.3: hw(2e c_in + c_out) a block. The paper's totals are "approximately": 0.19 less.
    blocks = (f"SIB_k3_e{expansion}",) * 5
    config = cifar(blocks)
    described = describe(build_network(config, blocks), config, blocks)
    shapes = [(1, 1, 1), (4, 1, 2), (4, 2, 2), (16, 2, 4), (16, 4, 4)]
    in_blocks = sum((2 * expansion * c_in + c_out) / area for area, c_in, c_out in shapes)
    assert described.neurons == (1 + in_blocks) * HWC + 100
    assert (described.neurons + described.pool_outputs) / HWC == pytest.approx(total, abs=0.2)


def test_stages_of_snn_1() -> None:
    config = cifar(FOUND)
    described = describe(build_network(config, FOUND), config, FOUND)
    assert described.blocks == FOUND
    drawn = [(s.name, s.kind, s.block, s.out_channels, s.size) for s in described.stages]
    assert drawn == [
        ("stem", "stem", "conv 3x3", 16, 32),
        ("tbd1", "tbd", "SRB_k5", 16, 32),
        ("pool1", "pool", "max pool", 16, 16),
        ("tbd2", "tbd", "SRB_k5", 32, 16),
        ("tbd3", "tbd", "skip", 32, 16),
        ("pool2", "pool", "max pool", 32, 8),
        ("tbd4", "tbd", "SRB_k3", 64, 8),
        ("tbd5", "tbd", "SRB_k5", 64, 8),
        ("pool3", "pool", "max pool", 64, 4),
        ("fc", "head", "fully connected", 100, 1),
        ("vote", "head", "voting", 10, 1),
    ]


@pytest.mark.parametrize(
    ("space", "side", "sizes"),
    [
        ("SNN_1", 9, [9, 9, 4, 4, 4, 2, 2, 2, 1]),
        ("SNN_2", 28, [28, 28, 14, 14, 14, 7, 7, 7, 3, 1]),
        ("SNN_3", 7, [7, 7, 4, 4, 4, 2, 2, 2, 1]),
        ("SNN_3", 9, [9, 9, 5, 5, 5, 3, 3, 3, 2]),
        ("SNN_4", 28, [28, 28, 14, 14, 14, 7, 7, 7, 3]),
    ],
)
def test_odd_sizes_are_stated_as_they_are(space: str, side: int, sizes: list[int]) -> None:
    """Pools round down, blocks of stride 2 round up."""
    config = small_config(space, shape=(1, side, side))
    blocks = ("SRB_k3",) * config.macro.tbd_blocks
    described = describe(build_network(config, blocks), config, blocks)
    assert [stage.size for stage in described.stages[:-2]] == sizes


@pytest.mark.parametrize("kind", ["global average pool", "average pool"])
def test_pools_are_called_by_their_kind(kind: str) -> None:
    space = "SNN_2" if kind.startswith("global") else "SNN_4"
    described = describe(small_network(space).float(), small_config(space), FOUND)
    assert kind in [stage.block for stage in described.stages]


@pytest.mark.parametrize("space", SPACES)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_described_neurons_are_the_counted_ones(space: str, data: st.DataObject) -> None:
    tbd_blocks = small_config(space).macro.tbd_blocks
    names = st.lists(st.sampled_from(sorted(BLOCKS)), min_size=tbd_blocks, max_size=tbd_blocks)
    blocks = tuple(data.draw(names))
    side = data.draw(st.integers(8, 12))
    config = small_config(space, shape=(2, side, side), timesteps=1, channels=2)
    network = build_network(config, blocks).eval()
    described = describe(network, config, blocks)
    with SpikeCounter(network) as counter, torch.no_grad():
        network(images(1, config.shape).float())
    counted = dict.fromkeys(("neuron", "pool"), 0)
    for layer in counter.layers():
        counted[layer.kind] += layer.neurons
    assert (described.neurons, described.pool_outputs) == (counted["neuron"], counted["pool"])
    assert described.parameters == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_describing_leaves_the_network_as_it_was(training: bool) -> None:
    network = small_network().float().train(training)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    describe(network, small_config(), FOUND)
    assert network.training is training
    assert not any(module._forward_hooks for module in network.modules())
    torch.testing.assert_close(dict(network.state_dict()), before, rtol=0, atol=0)


def test_a_part_in_eval_mode_stays_so() -> None:
    network = small_network().train()
    network.stem.eval()
    describe(network, small_config(), FOUND)
    assert network.training
    assert not network.stem.conv[1].training


def test_an_ann_has_no_spiking_neurons() -> None:
    described = describe(small_network(neuron="ANN").float(), small_config(neuron="ANN"), FOUND)
    assert (described.neurons, described.pool_outputs) == (0, 0)


def test_a_network_in_float64_is_described_as_well() -> None:
    assert describe(small_network(), small_config(), FOUND).parameters > 0
