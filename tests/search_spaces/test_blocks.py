import copy

import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional, layer
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.kernels.library import SWITCH
from autosnn_nni.search_spaces import BLOCKS, NEURONS, PAPER_CANDIDATES, SpikeCounter
from autosnn_nni.search_spaces.blocks import SRB, HalvingSkip, skip
from autosnn_nni.search_spaces.layers import ConvBN, Pointwise
from autosnn_nni.search_spaces.neurons import PLIF
from autosnn_nni.testing import BlockContract
from tests import reference
from tests.search_spaces.fixtures import (
    Unrolled,
    layer_name,
    small_block,
    spike_trains,
    weights_of,
)


class TestEveryBlock(BlockContract):
    """A newly registered block is picked up here."""

    names = tuple(BLOCKS)


SHAPES = {"same": (4, 4, 1), "widened": (4, 8, 1), "halved": (4, 8, 2), "halved_same": (4, 4, 2)}
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
every_block = pytest.mark.parametrize("name", BLOCKS)


def test_the_reference_knows_every_block_of_the_paper() -> None:
    assert set(PAPER_CANDIDATES) <= set(reference.BLOCKS) <= set(BLOCKS)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@every_shape
@pytest.mark.parametrize("name", reference.BLOCKS)
@pytest.mark.parametrize("kind", reference.NEURONS)
def test_a_block_equals_the_plain_reference(
    kind: str, name: str, shape: tuple[int, int, int], training: bool
) -> None:
    in_channels, out_channels, stride = shape
    network = small_block(name, kind, shape).train(training)
    plain = reference.Plain(weights_of(network), kind, training=training, averages="mean")
    trains = spike_trains(2, 3, in_channels, 6, 6)
    fast_in, plain_in = trains.clone().requires_grad_(), trains.clone().requires_grad_()

    with SpikeCounter(network) as counter:
        outputs = network(fast_in)
    block = reference.BLOCKS[name]
    expected = torch.stack(
        [block(plain, "block", x, out_channels, stride) for x in plain_in.unbind(1)], 1
    )
    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-12)

    spikes = {layer_name(path): total for path, total in plain.spikes.items()}
    if plain.potentials:  # a network without neurons has no spikes to count
        assert {layer.name: layer.spikes * 2 for layer in counter.layers()} == spikes
    if kind in ("PLIF", "IF"):  # LIF neurons are silent behind an average pool
        assert all(total > 0 for total in spikes.values())

    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    (outputs * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(fast_in.grad, plain_in.grad, rtol=1e-9, atol=1e-12)
    for path, parameter in network.named_parameters():
        torch.testing.assert_close(
            parameter.grad, plain.weights[path].grad, rtol=1e-8, atol=1e-11, msg=path
        )
    for path, buffer in network.named_buffers():
        if "running" in path:
            torch.testing.assert_close(buffer, plain.weights[path], rtol=1e-12, atol=1e-12)


@every_block
def test_no_block_has_a_convolution_with_bias(name: str) -> None:
    block = BLOCKS[name](4, 8, 2, NEURONS["PLIF"])
    assert all(m.bias is None for m in block.modules() if isinstance(m, nn.Conv2d))


def test_the_halving_skip_sees_every_second_pixel_of_both_grids() -> None:
    block = HalvingSkip(1, 2, NEURONS["ANN"]).eval()
    nn.init.ones_(block.even.weight)
    nn.init.ones_(block.odd.weight)
    x = torch.arange(1.0, 17.0).view(1, 1, 4, 4)
    even, odd = block(x)[0]
    torch.testing.assert_close(even, torch.tensor([[1.0, 3.0], [9.0, 11.0]]), rtol=1e-4, atol=0)
    torch.testing.assert_close(odd, torch.tensor([[6.0, 8.0], [14.0, 16.0]]), rtol=1e-4, atol=0)


def test_skip_is_the_identity_where_the_shape_allows_it() -> None:
    block = Unrolled(BLOCKS["skip"](4, 4, 1, NEURONS["PLIF"]))
    x = spike_trains(2, 3, 4, 6, 6)
    assert torch.equal(block(x), x)
    assert not list(block.parameters())


def test_the_inverted_bottleneck_is_depthwise_unless_told() -> None:
    count = {
        name: sum(p.numel() for p in BLOCKS[name](4, 4, 1, NEURONS["IF"]).conv.parameters())
        for name in ("SIB_k3_e3", "SIB_k3_e3_full")
    }
    assert count == {"SIB_k3_e3": 12 * 9 + 24, "SIB_k3_e3_full": 12 * 12 * 9 + 24}


def test_an_unknown_block_gets_a_hint() -> None:
    with pytest.raises(UserError, match=r"^unknown block 'SRB_k33'; did you mean 'SRB_k3'\?$"):
        BLOCKS["SRB_k33"]


def by_both(
    block: nn.Module, x: Tensor, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[Tensor, list[Tensor]]]:
    """Spikes and gradients of a block over all timesteps, by the kernels and by torch."""
    functional.set_step_mode(block, "m")
    found = []
    for switch in "1", "0":
        monkeypatch.setenv(SWITCH, switch)
        one, neurons = copy.deepcopy(block), PLIF(step_mode="m").double()
        spikes = one(neurons(4 * x))  # by the kernels as bits
        (spikes.sum((0, 2, 3, 4)) * torch.arange(1.0, 1 + x.shape[1])).sum().backward()
        gradients = [weight.grad for weight in one.parameters() if weight.grad is not None]
        found.append((spikes.clone(), gradients))
    return found


def spikes_in(*shape: int) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return (torch.rand(*shape, generator=rng) < 0.5).double()


@pytest.mark.parametrize("training", [False, True])
def test_a_shortcut_of_averages_is_added_everywhere(
    training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in squeeze-and-excite: torch spreads its one value over the image."""
    block = SRB(4, 4, 1, PLIF, kernel=3).double().train(training)
    block.shortcut = nn.Sequential(layer.AdaptiveAvgPool2d(1), ConvBN(4, 4, 1).double())
    (one, mine), (other, theirs) = by_both(block, spikes_in(3, 2, 4, 6, 6), monkeypatch)
    assert torch.equal(one, other)
    for here, there in zip(mine, theirs, strict=True):
        torch.testing.assert_close(here, there, rtol=1e-9, atol=1e-12)


class Signs(Pointwise):
    """A user's layer that weighs by signs alone."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x.flatten(0, 1), self.weight.sign(), stride=2).unflatten(0, x.shape[:2])


def test_a_users_layer_in_a_halving_skip_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    block = skip(4, 8, 2, PLIF).double()
    block.even, block.odd = Signs(4, 4, 2).double(), Signs(4, 4, 2).double()
    (one, _), (other, _) = by_both(block, spikes_in(3, 2, 4, 6, 6), monkeypatch)
    assert one.any()
    assert torch.equal(one, other)
