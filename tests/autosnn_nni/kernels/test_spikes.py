import copy
import io
import pickle
from collections.abc import Callable

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from autosnn_nni.kernels.firing import Membrane, fire
from autosnn_nni.kernels.spikes import Spikes
from tests.autosnn_nni.kernels.builds import BUILDS, built, threads, using

pytestmark = built
SHAPES = st.lists(st.integers(1, 5), max_size=2).flatmap(
    lambda size: st.tuples(
        *(st.integers(1, 4), st.integers(1, 4), st.integers(1, 20)), *map(st.just, size)
    )
)


def values_of(shape: tuple[int, ...] = (2, 3, 11, 4, 5), density: float = 0.3) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return (torch.rand(shape, generator=rng) < density).float()


def fired() -> tuple[Spikes, Tensor]:
    """Spikes that have a gradient, and the currents that it arrives at."""
    currents = torch.randn(2, 3, 11, 4, 5, generator=torch.Generator().manual_seed(0))
    currents.requires_grad_()
    return fire([(currents, None)], None, Membrane(1.0, 1.0)), currents


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("build", BUILDS)
@settings(deadline=None, max_examples=50, derandomize=True)
@given(shape=SHAPES, density=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_bits_are_unpacked_to_what_was_packed(
    shape: tuple[int, ...], density: float, build: str, dtype: torch.dtype
) -> None:
    values = values_of(shape, density).to(dtype)
    with using(build):
        spikes = Spikes.of(values)
        assert spikes.shape == values.shape
        assert spikes.dtype == dtype
        assert torch.equal(spikes.dense(), values)
        assert spikes.count() == values.sum()
        assert spikes.density() == values.mean(dtype=torch.float64)


@pytest.mark.parametrize(
    "values",
    [
        values_of().contiguous(memory_format=torch.contiguous_format),
        values_of((2, 3, 4, 5, 11)).movedim(-1, 2),
        values_of((4, 6, 11, 4, 5))[::2, ::2],
        values_of((1, 3, 11, 4, 5)).expand(2, -1, -1, -1, -1),
    ],
    ids=["contiguous", "channels last", "strided", "expanded"],
)
def test_values_in_any_layout_can_be_packed(values: Tensor) -> None:
    assert torch.equal(Spikes.of(values).dense(), values)


@pytest.mark.parametrize("shape", [(0, 3, 5, 2, 2), (2, 0, 5, 2, 2), (2, 3, 0, 2, 2)])
def test_without_neurons_there_are_no_spikes(shape: tuple[int, ...]) -> None:
    spikes = Spikes.of(torch.zeros(shape))
    assert spikes.dense().shape == shape
    assert (spikes.count(), spikes.density()) == (0, 0)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x * 2,
        lambda x: x + x,
        lambda x: x @ torch.ones(5, 2),
        lambda x: x[1, :, ::2],
        lambda x: x.flatten(2),
        lambda x: x.mean((-2, -1)),
        lambda x: x.sum(0),
        lambda x: x.sum(dtype=torch.float64),
        lambda x: x.double(),
        lambda x: x.clone(),
        lambda x: x.contiguous(),
        lambda x: x.unsqueeze(0),
        lambda x: torch.stack([x, x]),
        lambda x: torch.cat([x, torch.zeros(2, 3, 1, 4, 5)], 2),
        lambda x: torch.where(x > 0, x, -1.0),
        lambda x: torch.nn.functional.avg_pool2d(x.flatten(0, 1), 2),
        lambda x: torch.nn.functional.interpolate(x.flatten(0, 1), scale_factor=2),
        lambda x: torch.zeros(2, 3, 11, 4, 5).add_(x),
        lambda x: torch.add(x, 1, out=torch.empty(2, 3, 11, 4, 5)),
        lambda x: torch.stack(list(x)),
    ],
)
def test_an_operation_that_does_not_know_spikes_gets_their_values(
    operation: Callable[[Tensor], Tensor],
) -> None:
    values = values_of()
    result = operation(Spikes.of(values))
    assert type(result) is Tensor
    assert torch.equal(result, operation(values))


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: (x[0] * 2).sum() + x[..., ::2, ::2].square().sum(),
        lambda x: x.sum(),
        lambda x: x.mean(),
        lambda x: (x.unsqueeze(-1) * 3).sum(),
        lambda x: (x.flatten(1).T @ torch.ones(2, 3)).exp().sum(),
        lambda x: x.clone().mul_(3).sum(),
        lambda x: x.detach().sum() * x.sum(),
    ],
)
def test_gradients_pass_operations_that_do_not_know_spikes(
    operation: Callable[[Tensor], Tensor],
) -> None:
    values = values_of().requires_grad_()
    leaf = Spikes.of(values.detach()).requires_grad_()
    (expected,) = torch.autograd.grad(operation(values), values)
    (gradient,) = torch.autograd.grad(operation(leaf), leaf)
    torch.testing.assert_close(gradient, expected)


def test_gradients_arrive_at_what_made_the_spikes() -> None:
    spikes, currents = fired()
    (spikes[0] * 2).sum().backward()
    assert currents.grad is not None
    assert currents.grad.isfinite().all()
    assert currents.grad[0].any()


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.add_(1),
        lambda x: x.zero_(),
        lambda x: x.copy_(torch.ones_like(x)),
        lambda x: x.__setitem__(0, 1),
        lambda x: torch.add(x, 1, out=x),
        lambda x: torch._foreach_add_([x], 1),
        lambda x: torch.nn.functional.relu(x, inplace=True),
    ],
)
def test_spikes_cannot_be_changed(change: Callable[[Tensor], object]) -> None:
    values = values_of()
    spikes = Spikes.of(values)
    with pytest.raises(RuntimeError, match=r"spikes can't be changed.*x\.clone\(\)"):
        change(spikes)
    assert torch.equal(spikes.dense(), values)
    spikes.clone().add_(1)


def test_detached_spikes_are_the_same_bits() -> None:
    spikes, _ = fired()
    detached = spikes.detach()
    assert type(detached) is Spikes
    assert not detached.requires_grad
    assert detached.bits is spikes.bits


def test_a_last_dimension_of_one_keeps_the_bits() -> None:
    spikes = Spikes.of(values_of((2, 3, 11)))
    unsqueezed = spikes[..., None, None]
    assert unsqueezed.shape == (2, 3, 11, 1, 1)
    assert type(spikes.unsqueeze(-1)) is Spikes
    assert torch.equal(unsqueezed * 1, spikes.dense()[..., None, None])


def saved(spikes: Spikes) -> Tensor:
    file = io.BytesIO()
    torch.save(spikes, file)
    file.seek(0)
    loaded: Tensor = torch.load(file, weights_only=False)
    return loaded


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), saved],
    ids=["copy", "deepcopy", "pickle", "torch.save"],
)
def test_spikes_can_be_copied_and_saved(copied: Callable[[Tensor], Tensor]) -> None:
    values = values_of()
    twin = copied(Spikes.of(values))
    assert type(twin) is Spikes
    assert torch.equal(twin.dense(), values)
    assert twin.count() == values.sum()


def test_spikes_are_printed_as_numbers() -> None:
    assert "1." in repr(Spikes.of(torch.ones(1, 1, 1)))


@pytest.mark.parametrize(
    "given",
    [
        lambda x: x.numpy(),
        np.asarray,
        lambda x: np.array(x.tolist()),
        np.from_dlpack,
        lambda x: torch.from_dlpack(x).numpy(),
        lambda x: x.clone().numpy(),
    ],
    ids=["numpy", "asarray", "tolist", "np.from_dlpack", "from_dlpack", "clone"],
)
def test_spikes_can_be_given_to_other_libraries(given: Callable[[Tensor], np.ndarray]) -> None:
    values = values_of()
    assert np.array_equal(given(Spikes.of(values)), values.numpy())


def test_an_array_of_what_has_a_gradient_must_be_asked_for() -> None:
    spikes = Spikes.of(values_of()).requires_grad_()
    with pytest.raises(RuntimeError, match="requires grad"):
        spikes.numpy()
    assert np.array_equal(spikes.numpy(force=True), values_of().numpy())


@pytest.mark.parametrize("count", [2, 3])
def test_the_number_of_threads_changes_nothing(count: int) -> None:
    values = values_of((3, 5, 13, 3, 3))
    with threads(count):
        spikes = Spikes.of(values)
        assert torch.equal(spikes.dense(), values)


def test_a_detached_tensor_knows_no_neurons_near_their_threshold() -> None:
    spikes = Spikes.of((torch.rand(2, 1, 8, 3, 3) < 0.5).float())
    spikes.near = torch.zeros_like(spikes.bits)
    assert spikes.detach().near is None
