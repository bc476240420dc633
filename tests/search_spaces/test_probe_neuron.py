"""Neurons as users of SpikingJelly write them: allowed, or refused in one line."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import neuron, surrogate
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import NEURONS, NetworkConfig, build_network
from autosnn_nni.search_spaces.neurons import LIF, PLIF
from autosnn_nni.search_spaces.probe_neuron import probe_neuron


class Adapts(neuron.LIFNode):
    """Its threshold rises with each spike, in a memory that a reset clears."""

    def __init__(self) -> None:
        super().__init__(tau=2.0, surrogate_function=surrogate.ATan())
        self.register_memory("rise", 0.0)

    def single_step_forward(self, x: Tensor) -> Tensor:
        v = self.v if isinstance(self.v, Tensor) else torch.zeros_like(x)
        h = v + (x - v) / self.tau
        spikes: Tensor = self.surrogate_function(h - 1 - 0.1 * self.rise)
        self.rise = 0.95 * self.rise + self.risen(spikes.detach())
        self.v = h * (1 - spikes.detach())
        return spikes

    def risen(self, spikes: Tensor) -> Tensor:
        return spikes


class Remembers(Adapts):
    """The same in an attribute that no reset clears."""

    def __init__(self) -> None:
        super().__init__()
        del self._memories["rise"], self._memories_rv["rise"]
        self.rise = 0.0


class OfBatch(Adapts):
    """All images of a batch have one threshold."""

    def risen(self, spikes: Tensor) -> Tensor:
        return spikes.mean(0)


class Normed(neuron.LIFNode):
    """Batch norm before it, made by the first call."""

    def __init__(self) -> None:
        super().__init__()
        self.norm: nn.BatchNorm2d | None = None

    def single_step_forward(self, x: Tensor) -> Any:
        if self.norm is None:
            self.norm = nn.BatchNorm2d(x.shape[1])
        return super().single_step_forward(self.norm(x.view(*x.shape[:2], -1, 1)).view_as(x))


class Noisy(neuron.LIFNode):
    """Random in eval mode too."""

    def single_step_forward(self, x: Tensor) -> Any:
        return super().single_step_forward(x + torch.randn_like(x))


class Fails(neuron.LIFNode):
    """In every call."""

    def single_step_forward(self, x: Tensor) -> Any:
        raise ValueError("never works\nat all")


class OfMaps(neuron.LIFNode):
    """Not for the last layer, whose currents have no height and width."""

    def single_step_forward(self, x: Tensor) -> Any:
        return super().single_step_forward(x * torch.ones(8, 8))


class Doubled(neuron.LIFNode):
    """In place."""

    def single_step_forward(self, x: Tensor) -> Any:
        return super().single_step_forward(x.mul_(2))


class Untrained(neuron.LIFNode):
    """Without a surrogate gradient."""

    def single_step_forward(self, x: Tensor) -> Any:
        return super().single_step_forward(x).detach()


ONE = neuron.LIFNode()


def soft() -> nn.Module:
    return neuron.LIFNode(tau=2.0, v_reset=None, surrogate_function=surrogate.ATan())


@pytest.mark.parametrize(
    "factory",
    [
        soft,
        neuron.IFNode,
        neuron.KLIFNode,
        neuron.ParametricLIFNode,
        lambda: PLIF(init_tau=3.0),
        lambda: LIF(tau=3.0),
        lambda: nn.ReLU(),
        Adapts,
        Normed,
    ],
)
@pytest.mark.parametrize("timesteps", [1, 8])
def test_what_is_allowed(factory: Callable[[], nn.Module], timesteps: int) -> None:
    probe_neuron("mine", factory, timesteps)


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        (
            lambda: neuron.SimpleLIFNode(tau=2.0, decay_input=False),
            "gives SimpleLIFNode, which is no BaseNode of SpikingJelly",
        ),
        (lambda: neuron.PSN(T=4), "gives PSN, which is no BaseNode"),
        (lambda: neuron.SlidingPSN(k=2), "gives SlidingPSN, which is no BaseNode"),
        (lambda: neuron.GatedLIFNode(T=4), "gives GatedLIFNode, which is no BaseNode"),
        (lambda: torch.tanh, "gives builtin_function_or_method, which is no BaseNode"),
        (lambda: 1 / 0, "can't be made: ZeroDivisionError: division by zero"),
        (lambda: ONE, "is the same layer at each call; make a new one each time"),
        (neuron.TernaryLIFNode, "must send zeros and ones only, not -1"),
        (neuron.ILIFNode, "must send zeros and ones only, not "),
        (Remembers, "gives another answer to the same input after a reset"),
        (Noisy, "gives another answer to the same input after a reset"),
        (OfBatch, "gives an image another answer in eval mode if other images are in its batch"),
        (Fails, r"fails on \[2, 8, 8, 8\]: ValueError: never works"),
        (OfMaps, r"fails on \[2, 40\]: RuntimeError"),
        (Doubled, "changes its input, which other timesteps share"),
        (Untrained, "can't be trained: its output has no gradient"),
    ],
)
def test_what_is_refused_in_one_line_that_names_the_neuron(factory: Any, reason: str) -> None:
    with pytest.raises(UserError, match=f"neuron 'mine' {reason}") as caught:
        probe_neuron("mine", factory)
    assert "\n" not in str(caught.value)


def test_random_numbers_are_left_as_they_were() -> None:
    before = torch.random.get_rng_state()
    probe_neuron("mine", soft, 2)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.usefixtures("registries")
def test_a_network_with_a_wrong_neuron_is_refused() -> None:
    NEURONS.add("ternary", neuron.TernaryLIFNode)
    config = NetworkConfig("SNN_1", (1, 16, 16), classes=3, channels=4, neuron="ternary")
    with pytest.raises(UserError, match="neuron 'ternary' must send zeros and ones only"):
        build_network(config, ("skip",) * 5)


@pytest.mark.usefixtures("registries")
def test_a_neuron_is_tried_once() -> None:
    made: list[nn.Module] = []

    def counted() -> nn.Module:
        made.append(soft())
        return made[-1]

    NEURONS.add("counted", counted)
    config = NetworkConfig("SNN_1", (1, 16, 16), classes=3, channels=4, neuron="counted")
    calls = []
    for _ in range(2):
        made.clear()
        build_network(config, ("skip",) * 5)
        calls.append(len(made))
    assert calls[0] > calls[1]
