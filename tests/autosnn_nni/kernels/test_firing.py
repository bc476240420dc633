"""The neurons' kernels against their equations, a loop over timesteps."""

import math
from dataclasses import dataclass, replace
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given, settings
from torch import Tensor

from autosnn_nni.kernels.firing import SURROGATES, Membrane, fire, normalise
from autosnn_nni.kernels.norm import Norm
from autosnn_nni.kernels.spikes import Spikes
from tests.autosnn_nni.kernels.builds import BUILDS, built, threads, using

EPS = 1e-3
NORMS = (None, "timestep", "pooled", "constant", "constant of a timestep")


@dataclass(frozen=True)
class Case:
    """A layer of neurons and what charges it."""

    shape: tuple[int, ...] = (3, 2, 5, 2, 3)
    norms: tuple[str | None, ...] = ("timestep",)
    shortcut: bool = False
    #: Whether the first current is the same at all timesteps.
    repeated: bool = False
    neuron: str = "PLIF"
    surrogate: str = "atan"


SHAPES = st.tuples(
    *(st.integers(1, 4), st.integers(1, 3), st.sampled_from([1, 3, 8, 13, 16])),
    *(st.integers(1, 4), st.integers(1, 4)),
) | st.tuples(st.integers(1, 4), st.integers(2, 3), st.integers(1, 17))
CASES = st.builds(
    Case,
    shape=SHAPES,
    norms=st.lists(st.sampled_from(NORMS), min_size=1, max_size=2).map(tuple),
    shortcut=st.booleans(),
    repeated=st.booleans(),
    neuron=st.sampled_from(["IF", "LIF", "PLIF"]),
    surrogate=st.sampled_from(SURROGATES),
)


class Heaviside(torch.autograd.Function):
    """1 where ``u >= 0``, with a surrogate derivative."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, surrogate: str) -> Tensor:
        ctx.save_for_backward(u)
        ctx.surrogate = surrogate
        return (u >= 0).to(u)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (u,) = ctx.saved_tensors
        if ctx.surrogate == "atan":
            return gradient / (1 + (math.pi * u) ** 2), None
        return gradient * (1 - u.abs()).clamp(min=0), None


@dataclass
class Layer:
    """Tensors of a case."""

    case: Case
    xs: list[Tensor]
    weights: list[Tensor]
    biases: list[Tensor]
    means: list[Tensor]
    variances: list[Tensor]
    spikes: Tensor
    gain: Tensor

    def leaves(self) -> list[Tensor]:
        """What gradients are wanted of."""
        own = [one for one, norm in zip(self.weights, self.case.norms, strict=True) if norm]
        biases = [one for one, norm in zip(self.biases, self.case.norms, strict=True) if norm]
        gain = [self.gain] if self.case.neuron == "PLIF" else []
        return [*self.xs, *own, *biases, *([self.spikes] if self.case.shortcut else []), *gain]

    def membrane(self) -> Membrane:
        """The neuron's constants."""
        if self.case.neuron == "PLIF":
            return Membrane(1 - float(self.gain.detach()), self.gain, self.case.surrogate)
        if self.case.neuron == "LIF":
            return Membrane(0.5, 0.5, self.case.surrogate)
        return Membrane(1.0, 1.0, self.case.surrogate)

    def currents(self) -> list[Tensor]:
        """``[T, N, ...]`` each."""
        first, *others = self.xs
        if self.case.repeated:
            first = first[0].expand(self.case.shape)
        return [first, *others]


def layer(case: Case, dtype: torch.dtype = torch.float64) -> Layer:
    rng = torch.Generator().manual_seed(0)
    timesteps, channels = case.shape[0], case.shape[2]

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)

    count = range(len(case.norms))
    constants = [
        (timesteps + 1, channels) if norm == "constant of a timestep" else (channels,)
        for norm in case.norms
    ]
    made = Layer(
        case,
        [(2 * random(*case.shape)).requires_grad_() for _ in count],
        [(1 + random(channels).abs()).requires_grad_() for _ in count],
        [(0.3 + random(channels)).requires_grad_() for _ in count],
        [random(*shape) for shape in constants],
        [random(*shape).square() + 0.5 for shape in constants],
        (random(*case.shape) > 0.5).to(dtype).requires_grad_(),
        torch.tensor(0.4, dtype=dtype, requires_grad=True),
    )
    return made


def expected(one: Layer) -> tuple[Tensor, list[list[Tensor]]]:
    """Spikes, and what running statistics are updated with, by the equations."""
    timesteps = one.case.shape[0]
    charge = torch.zeros(one.case.shape, dtype=one.gain.dtype)
    tracked: list[list[Tensor]] = []
    for place, (x, norm) in enumerate(zip(one.currents(), one.case.norms, strict=True)):
        if norm:
            x, statistics = normalised(one, place, x, norm)
            tracked += [statistics] if statistics else []
        charge = charge + x
    if one.case.shortcut:
        charge = charge + one.spikes
    membrane = one.membrane()
    decay = 1 - one.gain if one.case.neuron == "PLIF" else membrane.decay
    v = torch.zeros_like(charge[0])
    spikes = []
    for t in range(timesteps):
        h = decay * v + membrane.gain * charge[t]
        spikes.append(Heaviside.apply(h - 1, one.case.surrogate))
        v = h * (1 - spikes[-1].detach())
    return torch.stack(spikes), tracked


def normalised(one: Layer, place: int, x: Tensor, norm: str) -> tuple[Tensor, list[Tensor]]:
    def per_channel(value: Tensor) -> Tensor:
        return value.unflatten(-1, (-1, *[1] * (x.dim() - 3))).unsqueeze(-x.dim() + 1)

    dims = [0, 1, *range(3, x.dim())][norm != "pooled" :]
    statistics: list[Tensor] = []
    if norm.startswith("constant"):
        mean, variance = one.means[place], one.variances[place]
        if mean.dim() == 2:
            mean, variance = mean[: len(x)], variance[: len(x)]
    else:
        mean, variance = x.mean(dims), x.var(dims, correction=0)
        count = x.numel() // mean.numel()
        unbiased = variance * count / max(count - 1, 1)
        statistics = [value.detach().view(-1, x.shape[2]) for value in (mean, unbiased)]
    mean, variance, weight, bias = (
        per_channel(value) for value in (mean, variance, one.weights[place], one.biases[place])
    )
    return (x - mean) / (variance + EPS).sqrt() * weight + bias, statistics


def fired(one: Layer) -> tuple[Tensor, list[list[Tensor]]]:
    """The same by the kernels."""
    tracked: list[list[Tensor]] = []
    norms: list[Norm | None] = []
    for place, norm in enumerate(one.case.norms):
        if norm is None:
            norms.append(None)
            continue
        both = one.weights[place], one.biases[place]
        if norm.startswith("constant"):
            statistics = one.means[place], one.variances[place]
            norms.append(Norm(*both, EPS, statistics))
        else:
            track = lambda *statistics: tracked.append(list(statistics))  # noqa: E731
            norms.append(Norm(*both, EPS, pooled=norm == "pooled", track=track))
    shortcut = packed(one.spikes) if one.case.shortcut else None
    return fire(list(zip(one.currents(), norms, strict=True)), shortcut, one.membrane()), tracked


class _Packed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Spikes:
        return Spikes.of(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


def packed(values: Tensor) -> Spikes:
    """Spikes whose gradient is that of ``values``."""
    spikes: Spikes = _Packed.apply(values)
    return spikes


def gradients(one: Layer, spikes: Tensor) -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    gradient = torch.randn(spikes.shape, generator=rng, dtype=torch.float64).to(spikes.dtype)
    return list(torch.autograd.grad(spikes, one.leaves(), gradient, materialize_grads=True))


@pytest.mark.parametrize("build", BUILDS)
@settings(deadline=None, max_examples=150, derandomize=True)
@given(case=CASES)
@example(case=Case(repeated=True, shape=(4, 3, 9, 3, 3), norms=(None, None), shortcut=True))
@example(case=Case(repeated=True, shape=(4, 3, 9, 3, 3), norms=("constant",)))
def test_it_equals_the_equations(case: Case, build: str) -> None:
    one = layer(case)
    spikes, tracked = expected(one)
    with using(build):
        own, own_tracked = fired(one)
        close = {"rtol": 1e-9, "atol": 1e-9}  # gradients of batch norm cancel
        torch.testing.assert_close(own.detach() * 1, spikes.detach(), rtol=0, atol=0)
        torch.testing.assert_close(gradients(one, own), gradients(one, spikes), **close)
    torch.testing.assert_close(own_tracked, tracked, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("build", BUILDS)
def test_single_precision_equals_them_up_to_rounding(
    build: str, norm: str | None, surrogate: str
) -> None:
    case = Case((4, 5, 19, 5, 5), (norm, norm), shortcut=True, surrogate=surrogate)
    one, exact = layer(case, torch.float32), layer(case)
    spikes, tracked = expected(exact)
    with using(build):
        own, own_tracked = fired(one)
        own_gradients = [gradient.double() for gradient in gradients(one, own)]
    assert (own != spikes).sum() <= 2  # potentials at the threshold
    if torch.equal(own.double(), spikes):
        torch.testing.assert_close(own_gradients, gradients(exact, spikes), rtol=1e-3, atol=1e-3)
    single = [[value.float() for value in both] for both in tracked]
    torch.testing.assert_close(own_tracked, single, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("norm", NORMS)
def test_results_do_not_depend_on_the_number_of_threads(build: str, norm: str | None) -> None:
    case = Case((4, 7, 19, 6, 5), (norm, norm), shortcut=True)
    results = []
    for count in (1, 2, 3):
        one = layer(case, torch.float32)
        with using(build), threads(count):
            spikes, tracked = fired(one)
            statistics = [value for both in tracked for value in both]
            results.append([spikes.detach() * 1, *gradients(one, spikes), *statistics])
    for others in results[1:]:
        assert all(map(torch.equal, results[0], others))


@pytest.mark.parametrize("build", BUILDS)
@settings(deadline=None, max_examples=60, derandomize=True)
@given(shape=SHAPES, pooled=st.booleans(), dtype=st.sampled_from([torch.float32, torch.float64]))
def test_batch_norm_without_neurons_is_equal_to_torchs(
    shape: tuple[int, ...], pooled: bool, dtype: torch.dtype, build: str
) -> None:
    one, exact = (layer(Case(shape, ("timestep",)), kind) for kind in (dtype, torch.float64))
    parts = [exact.xs[0].flatten(0, 1)] if pooled else list(exact.xs[0])
    assume(parts[0][:, 0].numel() > 1)  # torch refuses a single value
    statistics = [torch.zeros(2, shape[2], dtype=torch.float64) for _ in parts]
    own = exact.weights[0], exact.biases[0], True, 1.0, EPS
    expected = torch.cat(
        [F.batch_norm(x, *both, *own) for x, both in zip(parts, statistics, strict=True)]
    ).view(shape)
    with using(build):
        normed, tracked = normed_alone(one, pooled)
        gradients = [alone(one, normed), alone(exact, expected)]
    close = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-3, "atol": 1e-3}
    pairs = [
        (normed, expected),
        (tracked, torch.stack(statistics, 1)),
        *zip(*gradients, strict=True),
    ]
    for got, wanted in pairs:
        torch.testing.assert_close(got.double(), wanted, **close)


def normed_alone(one: Layer, pooled: bool) -> tuple[Tensor, Tensor]:
    """The first current, normalised without neurons; the batch's mean and variance."""
    tracked: list[Tensor] = []
    track = lambda *statistics: tracked.extend(statistics)  # noqa: E731
    norm = Norm(one.weights[0], one.biases[0], EPS, pooled=pooled, track=track)
    return normalise(one.xs[0], norm), torch.stack(tracked)


def alone(one: Layer, normed: Tensor) -> tuple[Tensor, ...]:
    """Gradients of the current, the weight and the bias."""
    leaves = one.xs[0], one.weights[0], one.biases[0]
    return torch.autograd.grad(normed, leaves, torch.cos(one.xs[0].detach()))


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("pooled", [False, True])
def test_batch_norm_without_neurons_does_not_depend_on_the_number_of_threads(
    build: str, pooled: bool
) -> None:
    results = []
    for count in (1, 2, 3):
        one = layer(Case((4, 7, 19, 6, 5)), torch.float32)
        with using(build), threads(count):
            normed, tracked = normed_alone(one, pooled)
            results.append([normed, tracked, *alone(one, normed)])
    for others in results[1:]:
        assert all(map(torch.equal, results[0], others))


@built
@pytest.mark.parametrize("norm", ["timestep", "constant"])
def test_gradients_of_weights_have_memory_of_their_own(norm: str) -> None:
    one = layer(Case(norms=(norm, norm)))
    spikes, _ = fired(one)
    spikes.sum().backward()
    bias = one.biases[1].grad
    assert bias is not None
    before = bias.clone()
    for other in (one.biases[0], *one.weights):
        assert other.grad is not None
        other.grad.zero_()
    assert torch.equal(bias, before)


@built
def test_statistics_of_too_few_timesteps_are_refused() -> None:
    x, constants = torch.zeros(3, 2, 4), torch.ones(4)
    norm = Norm(constants, constants, EPS, (torch.zeros(2, 4), torch.ones(2, 4)))
    with pytest.raises(RuntimeError, match="expand"):
        fire([(x, norm)], None, Membrane(1.0, 1.0))


@built
def test_currents_that_need_no_gradient_get_none() -> None:
    one = layer(Case(norms=("timestep",)))
    x, norm = one.xs[0].detach(), Norm(one.weights[0], one.biases[0], EPS)
    fire([(x, norm)], None, replace(one.membrane(), gain=0.4)).sum().backward()
    assert x.grad is None
    assert one.weights[0].grad is not None


@built
@pytest.mark.parametrize("norm", ["timestep", None])
def test_a_second_backward_pass_gives_the_same(norm: str | None) -> None:
    one = layer(Case(shape=(4, 3, 9, 3, 3), norms=(norm, "timestep"), shortcut=True))
    spikes, _ = fired(one)
    first, second = (
        torch.autograd.grad(spikes.clone().square().sum(), one.xs, retain_graph=True) for _ in "12"
    )
    assert all(map(torch.equal, first, second))
    assert all(x.any() for x in first)


@built
def test_a_current_that_was_changed_since_is_reported() -> None:
    x = torch.randn(2, 3, 4, requires_grad=True)
    y = x * 2
    spikes = fire([(y, None)], None, Membrane(1.0, 1.0))
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        spikes.sum().backward()
