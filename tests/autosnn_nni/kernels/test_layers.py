"""Layers of kernels together: what one of them leaves out is what another does not need."""

from typing import Any

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from torch import Tensor

from autosnn_nni.kernels.convolution import convolve
from autosnn_nni.kernels.firing import Membrane, fire
from autosnn_nni.kernels.norm import Norm
from autosnn_nni.kernels.pooling import max_pool
from autosnn_nni.kernels.spikes import Spikes
from tests.autosnn_nni.kernels.builds import BUILDS, built, using

pytestmark = [built, pytest.mark.parametrize("build", BUILDS)]
SHAPES = st.tuples(
    st.integers(1, 3),  # timesteps
    st.integers(1, 2),  # samples
    st.sampled_from([1, 3, 8, 13, 16]),  # channels
    *[st.integers(2, 9)] * 2,
)
OUTPUTS = st.sampled_from([1, 5, 8, 16, 24, 64])
KERNELS = st.sampled_from([1, 3, 5])
DENSITIES = st.sampled_from([0.0, 0.03, 0.2, 1.0])


def random(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=torch.float64)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    shape=SHAPES,
    outputs=OUTPUTS,
    kernel=KERNELS,
    density=DENSITIES,
    branches=st.integers(1, 2),
    shortcut=st.booleans(),
    normed=st.booleans(),
)
def test_scoring_equals_training_s_forward(
    build: str,
    shape: tuple[int, ...],
    outputs: int,
    kernel: int,
    density: float,
    branches: int,
    shortcut: bool,
    normed: bool,
) -> None:
    rng = torch.Generator().manual_seed(0)
    spikes = Spikes.of((random(rng, *shape).abs() < 1.5 * density).double())
    skipped = (random(rng, *shape[:2], outputs, *shape[3:]) > 0.5).double()
    weights = [random(rng, outputs, shape[2], kernel, kernel) for _ in range(branches)]
    norms = [
        Norm(
            *(random(rng, outputs), random(rng, outputs), 1e-5),
            (random(rng, outputs), random(rng, outputs).abs()),
        )
        if normed
        else None
        for _ in weights
    ]

    def layer() -> Tensor:
        convolved = [convolve(spikes, one, shape[3:], padding=kernel // 2) for one in weights]
        terms = list(zip(convolved, norms, strict=True))
        return fire(terms, Spikes.of(skipped) if shortcut else None, Membrane(0.4, 0.6)).clone()

    with using(build):
        expected = layer()
        with torch.no_grad():
            assert torch.equal(layer(), expected)


class Triangle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return (u >= 0).to(u)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        return gradient * (1 - u.abs()).clamp(min=0)


def neurons(currents: Tensor) -> Tensor:
    v, spikes = torch.zeros_like(currents[0]), []
    for current in currents:
        h = v + 0.6 * (current - v)
        spikes.append(Triangle.apply(h - 1))
        v = h * (1 - spikes[-1].detach())
    return torch.stack(spikes)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    shape=SHAPES,
    outputs=OUTPUTS,
    kernel=KERNELS,
    spread=st.sampled_from([1.0, 30.0]),  # many, or few neurons near their threshold
    pooled=st.booleans(),
)
def test_neurons_far_from_their_threshold_need_no_gradient(
    build: str, shape: tuple[int, ...], outputs: int, kernel: int, spread: float, pooled: bool
) -> None:
    rng = torch.Generator().manual_seed(0)
    currents = (spread * random(rng, *shape)).requires_grad_()
    weight = random(rng, outputs, shape[2], kernel, kernel).requires_grad_()

    plain = neurons(currents).flatten(0, 1)
    plain = F.max_pool2d(plain, 2) if pooled else plain
    expected = F.conv2d(plain, weight, padding=kernel // 2).unflatten(0, shape[:2])
    rows = random(rng, *expected.shape)
    gradients = torch.autograd.grad(expected, (currents, weight), rows)

    with using(build):
        spikes = fire([(currents, None)], None, Membrane(0.4, 0.6, "triangle"))
        spikes = max_pool(spikes, 2, 2, 0, False) if pooled else spikes
        outcome = convolve(spikes, weight, spikes.shape[3:], padding=kernel // 2).currents()
        own = torch.autograd.grad(outcome, (currents, weight), rows)
    torch.testing.assert_close([outcome, *own], [expected, *gradients], rtol=1e-12, atol=1e-12)
