"""The score against SNASNet's formula, image by image and neuron by neuron."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spikingjelly.activation_based import neuron
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.strategies import HammingKernel
from autosnn_nni.strategies.hamming import WORST
from tests.search_spaces.fixtures import images, small_network


def by_hand(layers: Sequence[Tensor]) -> float:
    """``layers``: spikes of one layer at one timestep each, ``[images, neurons]``."""
    count = len(layers[0])
    kernel = torch.zeros(count, count, dtype=torch.float64)
    for spikes in layers:
        rows = spikes.tolist()
        neurons = len(rows[0])
        rates = [sum(row) / neurons for row in rows]
        for i, one in enumerate(rows):
            for j, other in enumerate(rows):
                differing = sum(a != b for a, b in zip(one, other, strict=True))
                chance = rates[i] * (1 - rates[j]) + (1 - rates[i]) * rates[j]
                kernel[i, j] += neurons - differing / (2 * (chance + 0.001))
    return math.log(abs(torch.linalg.det(kernel / len(layers)).item()))


class Recorder:
    """The spikes of every neuron layer at every timestep, in the order of the forward pass."""

    def __init__(self, network: nn.Module) -> None:
        self.layers: list[Tensor] = []
        for module in network.modules():
            if isinstance(module, neuron.BaseNode):
                module.register_forward_hook(self._add)

    def _add(self, module: nn.Module, inputs: object, spikes: Tensor) -> None:
        steps = spikes if module.step_mode == "m" else [spikes]
        self.layers += [step.detach().flatten(1) for step in steps]


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("macro", ["SNN_1", "CIFARNet-Fang", "SNASNet-Fw"])
def test_the_score_is_the_papers(macro: str, pooled: bool) -> None:
    network = small_network(macro, batch_norm="pooled" if pooled else "timestep").train()
    recorder = Recorder(network)
    with HammingKernel(network) as kernel, torch.no_grad():
        network(images(5))
    assert kernel.score() == pytest.approx(by_hand(recorder.layers), rel=1e-9)


def test_images_that_look_alike_to_the_network_lower_the_score() -> None:
    network = small_network().eval()
    scores = []
    for batch in (images(4), images(2).repeat(2, 1, 1, 1)):
        with HammingKernel(network) as kernel, torch.no_grad():
            network(batch)
        scores.append(kernel.score())
    assert scores[0] > scores[1]


def test_a_silent_network_has_the_worst_score() -> None:
    network = small_network().eval()
    with HammingKernel(network) as kernel, torch.no_grad():
        network(images(3) * math.nan)  # a potential that is no number never fires
    assert kernel.score() == WORST


def test_a_network_of_relus_has_no_score() -> None:
    network = small_network(neuron="ANN")
    with HammingKernel(network) as kernel:
        network(images())
    with pytest.raises(UserError, match="needs spiking neurons"):
        kernel.score()


@given(st.permutations(range(4)))
def test_the_order_of_the_images_does_not_matter(order: list[int]) -> None:
    network = small_network().eval()
    batch, scores = images(4), []
    for chosen in (batch, batch[order]):
        with HammingKernel(network) as kernel, torch.no_grad():
            network(chosen)
        scores.append(kernel.score())
    assert scores[0] == pytest.approx(scores[1], rel=1e-9)
