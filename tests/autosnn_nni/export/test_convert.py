"""Graphs of networks: plugins' blocks, what is folded, and what is refused."""

from typing import Any

import pytest
import torch
from spikingjelly.activation_based import neuron as neurons
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.export import graph_of, record
from autosnn_nni.export.graph import Affine, Convolution
from autosnn_nni.search_spaces import BLOCKS
from tests.autosnn_nni.export.made import built, config_of, images, trained
from tests.autosnn_nni.export.test_nir_graph import by_numpy, differing, nothing_differs

SRB = ("SRB_k3",) * 5
BACKWARD = ("back_skip", "skip", "skip", "skip", "skip", "skip")


def test_batch_norm_is_part_of_the_convolution() -> None:
    config = config_of("SNN_1", SRB)
    graph = graph_of(trained(config, SRB), config)
    kinds = [type(node) for node in graph.nodes.values()]
    assert Affine not in kinds
    assert kinds.count(Convolution) == 1 + 2 * 5 + 2  # the stem, two a block, two projections
    assert graph.nodes["tbd1_conv1"].bias is not None


def test_nodes_are_named_after_the_networks_modules() -> None:
    config = config_of("SNN_1", SRB)
    network = trained(config, SRB)
    graph = graph_of(network, config)
    assert graph.modules["tbd1_neuron2"] == "stages.tbd1.neuron2"
    for path in graph.modules.values():
        network.get_submodule(path)
    assert graph.nodes["tbd1_neuron2"].inputs == ("tbd1_conv2", "stem_neuron")


def test_the_network_stays_as_it_is() -> None:
    config = config_of("SNN_3", ("skip",) * 8)
    network, image = trained(config, ("skip",) * 8), images(config, 2)
    with torch.no_grad():
        before = network(image)
        graph_of(network, config)
        assert torch.equal(network(image), before)


@pytest.mark.parametrize(
    ("space", "blocks", "options", "message"),
    [
        ("SNN_1", SRB, {"neuron": "ANN"}, "a network without spiking neurons can't be exported"),
        ("SNASNet-Bw", BACKWARD, {}, "a connection to the next timestep can't be exported"),
        ("VGG9-BNTT", (), {}, "BatchNormThroughTime2d, which is another one at every timestep"),
        ("SNN_1", SRB, {"batch_norm": "kept"}, "KeptBatchNorm2d, which is another one at every"),
        (
            *("SNN_3", ("average_pool",) * 8, {"averages": "mean", "shape": (1, 17, 17)}),
            "stages.tbd2.pool: an average over windows of different sizes",
        ),
    ],
)
def test_what_a_graph_cant_express_is_refused(
    space: str, blocks: tuple[str, ...], options: dict[str, object], message: str
) -> None:
    config = config_of(space, blocks, **options)
    with pytest.raises(UserError, match=message):
        graph_of(built(config, blocks), config)


class Block(nn.Module):
    """A plugin's block; its subclasses differ in what they do with the two currents."""

    neuron_type = None

    def __init__(self, in_channels: int, out_channels: int, stride: int, neuron: object) -> None:
        super().__init__()
        self.one = nn.Conv2d(in_channels, out_channels, 3, padding="same")
        self.other = nn.Conv2d(in_channels, out_channels, (1, 3), 1, (0, 1), bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.neuron = neuron() if self.neuron_type is None else self.neuron_type()  # type: ignore[operator]

    def forward(self, x: Tensor) -> Tensor:
        return self.neuron(self.currents(self.one(x), self.norm(self.other(x))))


class Weighted(Block):
    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return 0.5 * one + other / 4 - (one - other)


class Hard(Block):
    neuron_type = staticmethod(lambda: neurons.LIFNode(3.0, False, 0.5, -0.25, step_mode="s"))

    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return one + other


class Soft(Hard):
    neuron_type = staticmethod(lambda: neurons.LIFNode(2.0, v_reset=None))


class Product(Block):
    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return one * other


class Branching(Block):
    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return one if other.sum() > 0 else other


class Counting(Block):
    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return one if len(other) else other


class TwoInputs(Block):
    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.add = Adds()

    def currents(self, one: Tensor, other: Tensor) -> Any:
        return self.add(one, other)


class Adds(nn.AvgPool2d):
    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:  # type: ignore[override]
        return one + other


class OwnWeights(Block):
    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.scale = nn.Parameter(torch.ones(()))

    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return one + other * self.scale


class Rectified(Block):
    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return torch.relu(one) + other


class Reshaping(Block):
    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return self.norm(one.flatten(2).unflatten(2, (-1, 4))).reshape(other.shape) + other


class Pooling(Block):
    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return one + other.mean((1, 2, 3), True)


class Standardised(nn.Conv2d):
    """A user's own: its weights are not those that it convolves with."""

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight - self.weight.mean(), None)


class OwnLayer(Block):
    def __init__(self, in_channels: int, out_channels: int, *rest: object) -> None:
        super().__init__(in_channels, out_channels, *rest)  # type: ignore[arg-type]
        self.one = Standardised(in_channels, out_channels, 3, padding=1)

    def currents(self, one: Tensor, other: Tensor) -> Tensor:
        return one + other


class OwnNeuron(neurons.LIFNode):
    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v + x


class OwnCharge(Hard):
    neuron_type = OwnNeuron


class Hooked(Hard):
    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.norm.register_forward_hook(lambda module, inputs, output: 2 * output)


def blocks_of(block: type[Block], monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setitem(BLOCKS._items, "mine", block)
    return ("mine",) * 5


@pytest.mark.parametrize("block", [Weighted, Hard])
def test_a_plugins_block_is_the_same(
    block: type[Block], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    blocks = blocks_of(block, monkeypatch)
    config = config_of("SNN_1", blocks, shape=(1, 16, 16))
    assert nothing_differs(differing(config, blocks, tmp_path, by_numpy))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (Soft, "stages.tbd1.neuron: a neuron whose threshold is subtracted"),
        (Product, "the function mul of a block can't be exported"),
        (Branching, "a block whose forward depends on values"),
        (Counting, "a block whose forward depends on values"),
        (TwoInputs, "stages.tbd1.add, a layer with several inputs, can't be exported"),
        (OwnWeights, "stages.tbd1.scale, which belongs to no layer, can't be exported"),
        (Rectified, "the function relu of a block can't be exported"),
        (Reshaping, "a block that gives the output of tbd1_one another shape can't be exported"),
        (Pooling, "the function mean, except over both axes of pixels with keepdim, can't be"),
        (OwnLayer, "stages.tbd1.one: Standardised, a layer of your own, can't be exported"),
        (OwnCharge, "stages.tbd1.neuron: OwnNeuron, a layer of your own, can't be exported"),
        (Hooked, "stages.tbd1.norm: BatchNorm2d with a hook can't be exported"),
    ],
)
def test_a_plugins_block_that_no_graph_expresses_is_refused(
    block: type[Block], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = blocks_of(block, monkeypatch)
    config = config_of("SNN_1", blocks, shape=(1, 16, 16))
    with pytest.raises(UserError, match=message):
        graph_of(built(config, blocks), config)


def test_an_average_of_sums_charges_neurons() -> None:
    config = config_of("SNN_4", SRB)
    network = trained(config, SRB)
    graph = graph_of(network, config)
    spikes, votes = record(network, graph, images(config, 2))
    assert list(spikes) == [node.name for node in graph.neurons]
    assert votes.shape == (2, 3)
