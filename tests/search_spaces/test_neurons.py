import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spikingjelly.activation_based import neuron, surrogate
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import NEURONS, SURROGATES, Surrogate
from autosnn_nni.search_spaces.neurons import IF, LIF, PLIF, make_neuron
from tests import reference

SPIKING = [name for name in NEURONS if name != "ANN"]
currents = st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=6)


def run(node: nn.Module, trains: Tensor) -> Tensor:
    """Spikes ``[T, ...]``; the potentials of before are forgotten."""
    node.reset()
    return torch.stack([node(x) for x in trains])


def run_plain(kind: str, trains: Tensor, alpha: Tensor, surrogate: str) -> Tensor:
    plain = reference.Plain({"n.w": alpha}, kind, surrogate=surrogate)
    return torch.stack([plain.neuron("n", x) for x in trains])


@pytest.mark.parametrize("surrogate", reference.SURROGATES)
@pytest.mark.parametrize("kind", ["PLIF", "LIF", "IF"])
def test_a_neuron_equals_the_plain_equations(kind: str, surrogate: str) -> None:
    node = make_neuron(kind, surrogate).double()
    trains = torch.randn(6, 500, dtype=torch.float64) * 2
    mine, theirs = trains.clone().requires_grad_(), trains.clone().requires_grad_()
    alpha = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    if kind == "PLIF":
        node.w.data.fill_(0.3)
    spikes, expected = run(node, mine), run_plain(kind, theirs, alpha, surrogate)
    assert torch.equal(spikes, expected)
    assert 0 < spikes.mean() < 1
    weights = torch.randn_like(spikes)
    (spikes * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-10, atol=1e-12)
    if kind == "PLIF":
        torch.testing.assert_close(node.w.grad, alpha.grad, rtol=1e-10, atol=1e-12)


STEPS = {
    "PLIF": neuron.ParametricLIFNode.single_step_forward,
    "LIF": neuron.LIFNode.single_step_forward,
    "IF": neuron.IFNode.single_step_forward,
}


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("kind", STEPS)
def test_the_fused_step_is_that_of_spikingjelly(kind: str, surrogate: str) -> None:
    """On a GPU it is SpikingJelly's step that runs."""
    node = make_neuron(kind, surrogate).double()
    trains = torch.randn(6, 500, dtype=torch.float64) * 2
    mine, theirs = trains.clone().requires_grad_(), trains.clone().requires_grad_()
    spikes = run(node, mine)
    node.reset()
    expected = torch.stack([STEPS[kind](node, x) for x in theirs])
    assert torch.equal(spikes, expected)
    weights = torch.randn_like(spikes)
    (spikes * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-10, atol=1e-12)


@given(currents=currents)
@pytest.mark.parametrize("kind", SPIKING)
def test_without_gradients_the_step_is_the_same(kind: str, currents: list[float]) -> None:
    node = NEURONS[kind]()
    trains = torch.tensor(currents).view(-1, 1)
    expected = run(node, trains)
    with torch.no_grad():
        assert torch.equal(run(node, trains.clone()), expected)


@given(currents=currents)
@pytest.mark.parametrize("kind", SPIKING)
def test_a_step_leaves_its_input_alone(kind: str, currents: list[float]) -> None:
    trains = torch.tensor(currents).view(-1, 1)
    before = trains.clone()
    with torch.no_grad():
        run(NEURONS[kind](), trains)
    assert torch.equal(trains, before)


@given(currents=currents)
@pytest.mark.parametrize("kind", SPIKING)
def test_spikes_are_zeros_and_ones_and_reset_the_potential(
    kind: str, currents: list[float]
) -> None:
    node = NEURONS[kind]()
    for current in currents:
        (spike,) = node(torch.tensor([current])).tolist()
        assert spike in (0.0, 1.0)
        assert node.v.item() < 1
        if spike:
            assert node.v.item() == 0


def test_by_hand() -> None:
    # IF sums: .6, 1.2 fires and resets, .6, 1.2 ...; at the threshold itself it fires.
    trains = torch.tensor([[0.6], [0.6], [0.6], [1.0]])
    assert run(NEURONS["IF"](), trains).flatten().tolist() == [0, 1, 0, 1]
    # LIF with tau 2 halves the way: .75, 1.125 fires, .75
    trains = torch.tensor([[1.5], [1.5], [1.5]])
    assert run(NEURONS["LIF"](), trains).flatten().tolist() == [0, 1, 0]
    assert run(NEURONS["PLIF"](), trains).flatten().tolist() == [0, 1, 0]


@pytest.mark.parametrize("kind", SPIKING)
def test_the_surrogate_gradient_is_that_of_an_arctan(kind: str) -> None:
    x = torch.tensor([0.25, 2.5], requires_grad=True)
    node = NEURONS[kind]()
    node(x).sum().backward()
    charge = 1.0 if kind == "IF" else 0.5
    h = charge * x.detach()
    torch.testing.assert_close(x.grad, charge / (1 + (math.pi * (h - 1)) ** 2))


def test_a_triangle_ends_at_0_and_at_2() -> None:
    h = torch.tensor([-0.5, 0.0, 0.25, 1.0, 1.5, 2.0, 3.0], requires_grad=True)
    make_neuron("IF", "triangle")(h).sum().backward()
    assert h.grad.tolist() == [0, 0, 0.25, 1, 0.5, 0, 0]


@pytest.mark.usefixtures("registries")
def test_a_plugins_neuron_of_spikingjelly_keeps_its_surrogate() -> None:
    NEURONS.add("theirs", neuron.IFNode)
    theirs = make_neuron("theirs", "triangle")
    assert isinstance(theirs.surrogate_function, surrogate.Sigmoid)


@pytest.mark.usefixtures("registries")
def test_a_plugins_surrogate_is_done_by_torch() -> None:
    """The kernels don't know it."""
    square = Surrogate(lambda x, gradient: (x.abs() < 0.5) * gradient, surrogate.Rect)
    SURROGATES.add("square", square)
    node = make_neuron("IF", "square")
    node.step_mode = "m"
    h = torch.tensor([[0.25, 0.75, 1.25, 1.75]], requires_grad=True)
    node(h).sum().backward()
    assert h.grad.tolist() == [[0, 1, 1, 0]]


def test_the_reset_passes_no_gradient() -> None:
    x = torch.tensor([[2.0], [0.5]], requires_grad=True, dtype=torch.float64)
    node = NEURONS["IF"]()
    node(x[0])
    (gradient,) = torch.autograd.grad(node(x[1]).sum(), x)
    assert gradient[0] == 0  # it fired: nothing is left of its potential
    assert gradient[1] == pytest.approx(1 / (1 + (math.pi * 0.5) ** 2))


def test_plif_starts_at_tau_2_and_learns_one_number_a_layer() -> None:
    node = NEURONS["PLIF"]()
    (parameter,) = node.parameters()
    assert parameter.numel() == 1
    assert parameter.sigmoid().item() == 0.5
    node(torch.tensor([0.5, 1.5])).sum().backward()
    assert parameter.grad != 0


@pytest.mark.parametrize("kind", SPIKING)
def test_the_settings_are_the_papers(kind: str) -> None:
    node = NEURONS[kind]()
    assert (node.v_threshold, node.v_reset, node.detach_reset) == (1.0, 0.0, True)
    assert isinstance(node.surrogate_function, surrogate.ATan)
    assert NEURONS[kind]() is not node  # one neuron layer each


def test_ann_is_relu() -> None:
    assert NEURONS["ANN"]()(torch.tensor([-1.0, 2.0])).tolist() == [0, 2]


@pytest.mark.parametrize("kind", [PLIF, LIF, IF])
@pytest.mark.parametrize(
    "other",
    [
        {"v_threshold": 0.5},
        {"v_reset": None},
        {"v_reset": 0.1},
        {"detach_reset": False},
        {"store_v_seq": True},
    ],
    ids=str,
)
def test_other_equations_are_refused(kind: Any, other: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="register a neuron of spikingjelly"):
        kind(**other)


@pytest.mark.parametrize("kind", [PLIF, LIF])
def test_an_input_that_does_not_decay_is_refused(kind: Any) -> None:
    with pytest.raises(UserError, match="has decay_input=True, not False"):
        kind(decay_input=False)


def test_an_unknown_surrogate_gets_a_hint() -> None:
    with pytest.raises(
        UserError, match=r"^unknown surrogate 'tringle'; did you mean 'triangle'\?$"
    ):
        make_neuron("PLIF", "tringle")


def test_an_unknown_neuron_gets_a_hint() -> None:
    with pytest.raises(UserError, match=r"^unknown neuron 'PLFI'; did you mean 'PLIF'\?$"):
        NEURONS["PLFI"]
