from typing import Any

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from torch import Tensor

from autosnn_nni.kernels.pooling import max_pool
from autosnn_nni.kernels.spikes import Spikes
from tests.autosnn_nni.kernels.builds import BUILDS, threads, using

Pool = tuple[int, int, int, bool]


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    kernel = draw(st.integers(1, 4))
    stride, padding = draw(st.integers(1, 4)), draw(st.integers(0, kernel // 2))
    return kernel, stride, padding, draw(st.booleans())


def results(pooled: Tensor, inputs: Tensor) -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    gradient = torch.randn(pooled.shape, generator=rng, dtype=pooled.dtype)
    return [pooled.detach() * 1, *torch.autograd.grad(pooled, inputs, gradient)]


def values_of(shape: tuple[int, ...], density: float, dtype: torch.dtype) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return (torch.rand(shape, generator=rng) < density).to(dtype)


def by_kernels(values: Tensor, pool: Pool) -> list[Tensor]:
    spikes = Spikes.of(values).requires_grad_()
    return results(max_pool(spikes, *pool), spikes)


def by_torch(values: Tensor, pool: Pool) -> list[Tensor]:
    kernel, stride, padding, ceil = pool
    values = values.clone().requires_grad_()
    options: dict[str, Any] = {"ceil_mode": ceil}
    pooled = F.max_pool2d(values.flatten(0, 1), kernel, stride, padding, **options)
    return results(pooled.unflatten(0, values.shape[:2]), values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("build", BUILDS)
@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    leading=st.tuples(st.integers(1, 3), st.integers(1, 2), st.sampled_from([1, 3, 8, 17])),
    image=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    pool=pools(),
)
def test_it_equals_torchs(
    leading: tuple[int, ...],
    image: tuple[int, int],
    density: float,
    pool: Pool,
    build: str,
    dtype: torch.dtype,
) -> None:
    kernel, _, padding, _ = pool
    assume(min(image) + 2 * padding >= kernel)
    values = values_of((*leading, *image), density, dtype)
    expected = by_torch(values, pool)
    with using(build):
        pooled = by_kernels(values, pool)
    # Where windows overlap, a pixel's gradients are added in another order.
    torch.testing.assert_close(pooled, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(pooled[0], expected[0])


@pytest.mark.parametrize("build", BUILDS)
def test_results_do_not_depend_on_the_number_of_threads(build: str) -> None:
    values = values_of((3, 5, 13, 9, 7), 0.2, torch.float32)
    with using(build), threads(1):
        alone = by_kernels(values, (3, 1, 1, False))
    for count in (2, 3):
        with using(build), threads(count):
            assert all(map(torch.equal, by_kernels(values, (3, 1, 1, False)), alone))
