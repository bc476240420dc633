"""All timesteps in one call give what they give one after another."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from autosnn_nni.search_spaces.batch_norm import BatchNorm1d, BatchNorm2d, PerTimestep

SHAPES = {BatchNorm1d: (), BatchNorm2d: (3, 2)}


def fresh(kind: type[PerTimestep], momentum: float | None = 0.1) -> PerTimestep:
    norm = kind(4, momentum=momentum).double()
    nn.init.uniform_(norm.weight, 0.5, 2)
    nn.init.uniform_(norm.bias)
    return norm


def currents(kind: type[PerTimestep], timesteps: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    shape = (timesteps, 5, 4, *SHAPES[kind])
    return 3 * torch.randn(shape, generator=random, dtype=torch.float64) + 1


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(list(SHAPES)),
    timesteps=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    momentum=st.none() | st.floats(0, 1),
)
def test_outputs_gradients_and_statistics_equal_those_of_single_steps(
    kind: type[PerTimestep], timesteps: list[int], momentum: float | None
) -> None:
    stepwise = fresh(kind, momentum)
    together = copy.deepcopy(stepwise)
    functional.set_step_mode(together, "m")
    for seed, steps in enumerate(timesteps):  # one batch after another, of so many timesteps each
        x = currents(kind, steps, seed).requires_grad_()
        twin = x.detach().clone().requires_grad_()
        expected = torch.stack([stepwise(step) for step in x])
        got = together(twin)
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
        weights = torch.randn_like(got)
        (expected * weights).sum().backward()
        (got * weights).sum().backward()
        torch.testing.assert_close(twin.grad, x.grad, rtol=1e-9, atol=1e-12)
    for one, other in zip(together.parameters(), stepwise.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(
        dict(together.named_buffers()), dict(stepwise.named_buffers()), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("kind", SHAPES)
def test_every_timestep_is_normalised_by_itself_unless_pooled(kind: type[PerTimestep]) -> None:
    norm = kind(4).double()
    functional.set_step_mode(norm, "m")
    x = currents(kind, 3)
    x[1] += 20
    images = tuple(dim for dim in range(x.dim()) if dim not in (0, 2))
    torch.testing.assert_close(norm(x).mean(images), torch.zeros(3, 4).double())
    norm.pooled = True
    assert (norm(x).mean(images)[1] > 0.5).all()
    torch.testing.assert_close(norm(x).mean((0, *images)), torch.zeros(4).double())


def test_running_statistics_serve_all_timesteps_in_eval_mode() -> None:
    norm = fresh(BatchNorm2d)
    functional.set_step_mode(norm, "m")
    norm(currents(BatchNorm2d, 3))
    norm.eval()
    x = currents(BatchNorm2d, 2, seed=1)
    together, before = norm(x), copy.deepcopy(norm.state_dict())
    functional.set_step_mode(norm, "s")
    torch.testing.assert_close(together, torch.stack([norm(step) for step in x]))
    torch.testing.assert_close(dict(norm.state_dict()), dict(before), rtol=0, atol=0)


def test_the_memory_layout_stays_that_of_convolutions() -> None:
    norm = fresh(BatchNorm2d)
    functional.set_step_mode(norm, "m")
    flat = currents(BatchNorm2d, 3).flatten(0, 1).to(memory_format=torch.channels_last)
    out = norm(flat.unflatten(0, (3, 5)))
    assert out.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
    assert out.flatten(0, 1).data_ptr() == out.data_ptr()  # nothing is copied on the way
