"""Neurons over all timesteps by the kernels: batch norm, charge, fire and reset, with gradients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from autosnn_nni.kernels.convolution import Convolved
from autosnn_nni.kernels.library import Current, Neurons, Source, empty, run, share
from autosnn_nni.kernels.norm import Norm, constants
from autosnn_nni.kernels.spikes import Spikes, dense, dense_empty

#: Surrogate derivatives, by their number in ``c/kernels.h``.
SURROGATES = ("atan", "triangle")
#: So many currents can charge a layer of neurons, apart from a shortcut's spikes.
MAX_CURRENTS = 2


@dataclass(frozen=True)
class Membrane:
    """Neurons ``h = decay v + gain z``. ``gain`` may be learnt; then ``decay`` is ``1 - gain``."""

    decay: float
    gain: float | Tensor
    surrogate: str = "atan"


def neurons_of(shape: Sequence[int], currents: int, membrane: Membrane) -> Neurons:
    """What the kernels need of neurons ``[T, N, C, ...]``."""
    timesteps, samples, channels, *size = shape
    surrogate = SURROGATES.index(membrane.surrogate)
    sizes = timesteps, samples, math.prod(size), channels, currents, surrogate
    return Neurons(*sizes, membrane.decay, float(membrane.gain))


Term = tuple[Tensor | Convolved, Norm | None]


def fire(terms: Sequence[Term], shortcut: Spikes | None, membrane: Membrane) -> Spikes:
    """Spikes ``[T, N, C, ...]`` of neurons at rest, charged by the sum of currents.

    Each current ``[T, N, C, ...]`` is normalised first, if it has a norm. Spikes of ``shortcut``
    are added. Gradients are those of Eq. 2 with the surrogate's derivative and a detached reset.
    Raises :class:`ValueError` for no currents, or more than ``MAX_CURRENTS``.
    """
    if len(terms) not in range(1, MAX_CURRENTS + 1):
        raise ValueError(f"{len(terms)} currents can't charge neurons; 1 to {MAX_CURRENTS} can")
    if len({x.shape for x, _ in terms} | ({shortcut.shape} if shortcut is not None else set())) > 1:
        terms, shortcut = _broadcast(terms, shortcut), None
    norms = tuple(norm for _, norm in terms)
    is_constant = all(norm is None or norm.statistics for norm in norms)
    if is_constant and not torch.is_grad_enabled():
        convolved = [x for x, _ in terms if isinstance(x, Convolved)]
        if len(convolved) == len(terms):
            return _respond(convolved, norms, shortcut, membrane)
    tensors: list[Tensor | None] = []
    for x, norm in terms:
        tensors.append(x.currents() if isinstance(x, Convolved) else x)
        tensors += (norm.weight, norm.bias) if norm else (None, None)
    gain = membrane.gain if isinstance(membrane.gain, Tensor) else None
    spikes: Spikes = _Fire.apply(membrane, norms, shortcut, gain, *tensors)
    return spikes


def _broadcast(terms: Sequence[Term], shortcut: Spikes | None) -> list[Term]:
    """The same currents, all of the shape of their sum, as torch adds them."""
    added = [*terms, (shortcut, None)] if shortcut is not None else terms
    shape = torch.broadcast_shapes(*(x.shape for x, _ in added))
    spread: list[Term] = []
    for x, norm in added:
        current, after = x.currents() if isinstance(x, Convolved) else x, norm
        if norm is not None and norm.statistics is None:  # they are those of what is there now
            current, after = normalise(current, norm), None
        spread.append((current.expand(shape), after))
    return spread


def _respond(
    convolved: Sequence[Convolved],
    norms: Sequence[Norm | None],
    shortcut: Spikes | None,
    membrane: Membrane,
) -> Spikes:
    """Spikes of neurons that are charged by convolutions, without a gradient."""
    shape, dtype = convolved[0].shape, convolved[0].weight.dtype
    neurons = neurons_of(shape, len(convolved), membrane)
    sources = (Source * len(convolved))()
    kept = []  # the memory that the sources point to
    for source, one, norm in zip(sources, convolved, norms, strict=True):
        way, weights = one.prepared()
        scale, shift, _, _ = constants(norm, neurons, dtype)
        kept.append((weights, scale, shift))
        source.shape, source.way = one.convolution, way
        source.bits, source.weights = one.spikes.bits.data_ptr(), weights.data_ptr()
        source.scale, source.shift = scale.data_ptr(), shift.data_ptr()
    spikes = Spikes.empty(shape, dtype)
    bits = None if shortcut is None else shortcut.bits
    share("respond", dtype, neurons.samples, neurons, sources, bits, spikes.bits)
    return spikes


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        membrane: Membrane,
        norms: Sequence[Norm | None],
        shortcut: Spikes | None,
        gain: Tensor | None,
        *tensors: Tensor | None,
    ) -> Spikes:
        layer = _Layer(membrane, norms, [x for x in tensors[::3] if x is not None])
        spikes = Spikes.empty(layer.shape, layer.dtype)
        bits = None if shortcut is None else shortcut.bits
        near = spikes.near = None if membrane.surrogate == "atan" else torch.empty_like(spikes.bits)
        own = layer.neurons, layer.currents, bits, spikes.bits, near
        share("fire", layer.dtype, layer.neurons.samples, *own)
        ctx.layer = layer.without_currents()
        ctx.save_for_backward(bits, *tensors[::3])
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        bits, *xs = ctx.saved_tensors
        layer: _Layer = ctx.layer.with_currents(xs)
        of_charge, sums, gains = layer.backward(dense(gradient), bits)
        gradients = layer.of_currents(of_charge, sums, ctx.needs_input_grad[4::3])
        shortcut = of_charge if ctx.needs_input_grad[2] else None
        gain = gains.sum().to(layer.dtype) if ctx.needs_input_grad[3] else None
        layer.without_currents()
        return None, None, shortcut, gain, *gradients


def normalise(x: Tensor, norm: Norm) -> Tensor:
    """Batch norm of a current ``[T, N, C, ...]`` without neurons; ``norm`` has no constants.

    Unlike torch's, its sums don't depend on the number of threads.
    """
    normalised: Tensor = _Normalise.apply(norm, x, norm.weight, norm.bias)
    return normalised


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, norm: Norm, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        layer = _Layer(Membrane(1.0, 1.0), [norm], [x])
        scale, shift, _, _ = layer.constants[0]
        normalised = torch.addcmul(layer.spread(shift), layer.xs[0], layer.spread(scale))
        ctx.layer = layer.without_currents()
        ctx.save_for_backward(x)
        return normalised

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        layer: _Layer = ctx.layer.with_currents(ctx.saved_tensors)
        gradient = dense(gradient)
        sums = layer.empty_sums()
        own = layer.neurons, layer.currents, gradient, sums
        share("gradient_sums", layer.dtype, layer.neurons.samples, *own)
        gradients = layer.of_currents(gradient, sums, ctx.needs_input_grad[1:2])
        layer.without_currents()
        return None, *gradients


class _Layer:
    """One call of a layer of neurons: the arguments of its kernels."""

    def __init__(
        self,
        membrane: Membrane,
        norms: Sequence[Norm | None],
        xs: Sequence[Tensor],
    ) -> None:
        self.norms = norms
        self.shape, self.dtype = xs[0].shape, xs[0].dtype
        self.neurons = neurons_of(self.shape, len(xs), membrane)
        self.currents = (Current * len(xs))()
        self.with_currents(xs)
        self.constants: list[Tensor] = []  # [scale, shift, mean, inverse] of every current
        for current, norm in zip(self.currents, norms, strict=True):
            current.together = norm.together(self.neurons.timesteps) if norm else 0
            own = constants(norm, self.neurons, self.dtype, current)
            self.constants.append(own)
            current.scale, current.shift, current.mean, current.inverse = (
                one.data_ptr() for one in own
            )

    def with_currents(self, xs: Sequence[Tensor]) -> "_Layer":
        """The layer, charged by these."""
        self.xs = [_steps(x) for x in xs]
        for current, x in zip(self.currents, self.xs, strict=True):
            current.x, current.step = x.data_ptr(), x.stride(0)
        return self

    def without_currents(self) -> "_Layer":
        """The layer alone: autograd keeps the currents, and frees them as soon as it can."""
        self.xs = []
        return self

    def spread(self, constants: Tensor) -> Tensor:
        """``[T, C]`` as ``[T, 1, C, ...]``."""
        return constants.view(len(constants), 1, -1, *[1] * (len(self.shape) - 3))

    def empty_sums(self) -> Tensor:
        """``[N, 1 + currents, T, C]``, for sums over the pixels of each sample.

        They are those of the charge's gradient, and of its products with each normalised current.
        """
        neurons = self.neurons
        shape = neurons.samples, 1 + neurons.currents, neurons.timesteps, neurons.channels
        return empty(*shape, dtype=self.dtype)

    def backward(self, gradient: Tensor, bits: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The gradient of the charge, its sums, and each sample's gradient of the gain."""
        of_charge, sums = dense_empty(self.shape, self.dtype), self.empty_sums()
        gains = empty(self.neurons.samples, dtype=torch.float64)
        own = self.neurons, self.currents, bits, gradient, of_charge, sums, gains
        share("fire_gradient", self.dtype, self.neurons.samples, *own)
        return of_charge, sums, gains

    def of_currents(
        self, of_charge: Tensor, sums: Tensor, needed: Sequence[bool]
    ) -> list[Tensor | None]:
        """Gradients of each current, if it is needed, and of its norm's weight and bias."""
        if not any(self.norms):
            return [of_charge, None, None] * len(self.norms)
        timesteps, channels = self.neurons.timesteps, self.neurons.channels
        of_norms = empty(len(self.norms), 2, channels, dtype=self.dtype)
        means = empty(len(self.norms), 2, timesteps, channels, dtype=self.dtype)
        run("add_up", self.dtype, self.neurons, self.currents, sums, of_norms, means)
        gradients: list[Tensor | None] = []
        for place, norm in enumerate(self.norms):
            if norm is None:
                gradients += [of_charge, None, None]
                continue
            bias, weight = of_norms[place]
            own = self._of_current(place, of_charge, means[place]) if needed[place] else None
            gradients += [own, weight, bias]
        return gradients

    def _of_current(self, place: int, of_charge: Tensor, means: Tensor) -> Tensor:
        out = dense_empty(self.shape, self.dtype)
        own = self.neurons, self.currents[place], of_charge, *means, out
        share("normalise_gradient", self.dtype, self.neurons.samples, *own)
        return out


def _steps(x: Tensor) -> Tensor:
    """``x``, channels last; a current that is the same at all timesteps remains a single one."""
    if len(x) > 1 and x.stride(0) == 0:
        return dense(x[:1]).expand_as(x)
    return dense(x)
