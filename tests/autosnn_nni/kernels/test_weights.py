"""Weights that are prepared once, while no parameter changes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from autosnn_nni.kernels.convolution import Convolved, connect, convolve
from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.kernels.weights import fixed_weights
from tests.autosnn_nni.kernels.builds import built

pytestmark = built


def spikes(density: float = 0.3) -> Spikes:
    rng = torch.Generator().manual_seed(0)
    return Spikes.of((torch.rand(2, 3, 4, 5, 5, generator=rng) < density).double())


def convolved(weight: Tensor, density: float = 0.3) -> Convolved:
    return convolve(spikes(density), weight, (5, 5), padding=1)


def connected(weight: Tensor, density: float = 0.3) -> Convolved:
    return connect(spikes(density), weight)


LAYERS = pytest.mark.parametrize(
    ("layer", "shape"), [(convolved, (8, 4, 3, 3)), (connected, (8, 100))]
)
Layer = Callable[..., Convolved]


def weights(shape: tuple[int, ...]) -> Parameter:
    return Parameter(torch.randn(shape, dtype=torch.float64, generator=torch.manual_seed(1)))


@LAYERS
@torch.no_grad()
def test_currents_are_the_same_as_ever(layer: Layer, shape: tuple[int, ...]) -> None:
    parameter = weights(shape)
    for density in (0.01, 0.3, 0.9, 0.01):  # the way of a convolution depends on it
        expected = layer(parameter, density).currents()
        with fixed_weights():
            for _ in range(2):
                assert torch.equal(layer(parameter, density).currents(), expected)


@LAYERS
@torch.no_grad()
def test_a_parameter_may_change_afterwards(layer: Layer, shape: tuple[int, ...]) -> None:
    parameter = weights(shape)
    with fixed_weights():
        before = layer(parameter).currents()
    parameter.mul_(2.0)
    with fixed_weights():
        torch.testing.assert_close(layer(parameter).currents(), 2 * before)


@LAYERS
@torch.no_grad()
def test_weights_that_are_computed_are_taken_as_they_come(
    layer: Layer, shape: tuple[int, ...]
) -> None:
    parameter = weights(shape)
    with fixed_weights():
        once, twice = (layer(parameter * factor).currents() for factor in (1.0, 2.0))
    torch.testing.assert_close(twice, 2 * once)


@torch.no_grad()
def test_two_layers_may_share_a_parameter() -> None:
    parameter = weights((8, 100))
    wide, narrow = (Spikes.of(spikes().reshape(2, 3, *size)) for size in ((4, 5, 5), (2, 10, 5)))
    expected = [connect(one, parameter).currents() for one in (wide, narrow)]
    with fixed_weights():
        found = [connect(one, parameter).currents() for one in (wide, narrow)]
    assert all(map(torch.equal, found, expected))


@LAYERS
@torch.no_grad()
def test_another_thread_may_train(layer: Layer, shape: tuple[int, ...]) -> None:
    parameter = weights(shape)

    @torch.no_grad()
    def trained() -> tuple[Tensor, Tensor]:
        before = layer(parameter).currents()
        parameter.mul_(2.0)
        return before, layer(parameter).currents()

    with fixed_weights(), ThreadPoolExecutor(1) as thread:
        layer(parameter).currents()
        before, after = thread.submit(trained).result()
    torch.testing.assert_close(after, 2 * before)


def test_a_layer_for_another_number_of_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weights for 99 inputs don't fit spikes \[2, 3, 4, 5, 5"):
        connected(weights((8, 99)))
