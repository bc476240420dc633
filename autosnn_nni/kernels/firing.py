"""Neurons over all timesteps by the kernels: batch norm, charge, fire and reset, with gradients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from autosnn_nni.kernels.convolution import Convolved
from autosnn_nni.kernels.library import Current, Neurons, Source, share
from autosnn_nni.kernels.norm import Norm, identity
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
        timesteps, channels = neurons.timesteps, neurons.channels
        constants = identity(timesteps, channels)
        if norm is not None and norm.statistics is not None:
            constants = norm.constants(norm.statistics, timesteps)
        way, weights = one.prepared()
        constants = constants.to(dtype).contiguous()
        kept.append((weights, constants))
        source.shape, source.way = one.convolution, way
        source.bits, source.weights = one.spikes.bits.data_ptr(), weights.data_ptr()
        source.scale, source.shift = constants[0].data_ptr(), constants[1].data_ptr()
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
        ctx.layer = layer
        ctx.save_for_backward(bits, *tensors[::3])
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        bits, *_ = ctx.saved_tensors  # also says if one of them was changed
        layer: _Layer = ctx.layer
        of_charge, sums, of_gain = layer.backward(dense(gradient), bits)
        gradients: list[Tensor | None] = []
        for place in range(len(layer.xs)):
            needed = ctx.needs_input_grad[4 + 3 * place]
            gradients += layer.of_current(place, of_charge, sums, needed=needed)
        shortcut = of_charge if ctx.needs_input_grad[2] else None
        return None, None, shortcut, of_gain if ctx.needs_input_grad[3] else None, *gradients


def normalise(x: Tensor, norm: Norm) -> Tensor:
    """Batch norm of a current ``[T, N, C, ...]`` without neurons; ``norm`` has no constants.

    Unlike torch's, its sums don't depend on the number of threads.
    """
    normalised: Tensor = _Normalise.apply(norm, x, norm.weight, norm.bias)
    return normalised


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, norm: Norm, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.layer = layer = _Layer(Membrane(1.0, 1.0), [norm], [x])
        ctx.save_for_backward(x)
        scale, shift, _, _ = layer.constants[0]
        return torch.addcmul(layer.spread(shift), layer.xs[0], layer.spread(scale))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        _ = ctx.saved_tensors  # says if it was changed
        layer: _Layer = ctx.layer
        gradient = dense(gradient)
        _, _, mean, inverse = layer.constants[0]
        products = (layer.xs[0] - layer.spread(mean)).mul_(gradient)
        # Each sample by itself, then all of them: no thread adds up a part of a sum.
        bias, slope = (
            one.reshape(*one.shape[:3], -1).sum(-1).double().sum(1) for one in (gradient, products)
        )
        sums = torch.stack([bias, slope * inverse])
        return None, *layer.of_current(0, gradient, sums, needed=ctx.needs_input_grad[1])


class _Layer:
    """One call of a layer of neurons: the arguments of its kernels."""

    def __init__(
        self,
        membrane: Membrane,
        norms: Sequence[Norm | None],
        xs: Sequence[Tensor],
    ) -> None:
        self.xs = [_steps(x) for x in xs]
        self.norms = norms
        self.shape = self.xs[0].shape
        self.dtype = self.xs[0].dtype
        self.neurons = neurons_of(self.shape, len(self.xs), membrane)
        self.constants: list[Tensor] = []  # [scale, shift, mean, inverse] of every current
        self.currents = (Current * len(self.xs))()
        for place, (x, norm) in enumerate(zip(self.xs, norms, strict=True)):
            current = self.currents[place]
            current.x, current.step = x.data_ptr(), x.stride(0)
            constants = self._constants(current, norm).to(self.dtype).contiguous()
            self.constants.append(constants)
            current.scale, current.shift, current.mean, current.inverse = (
                one.data_ptr() for one in constants
            )

    def spread(self, constants: Tensor) -> Tensor:
        """``[T, C]`` as ``[T, 1, C, ...]``."""
        return constants.view(len(constants), 1, -1, *[1] * (len(self.shape) - 3))

    def _constants(self, current: Current, norm: Norm | None) -> Tensor:
        """Scale, shift, mean and inverse standard deviation ``[4, T, C]`` of a current."""
        timesteps, channels = self.neurons.timesteps, self.neurons.channels
        if norm is None:
            return identity(timesteps, channels)
        return norm.constants(norm.statistics or self._moments(current, norm), timesteps)

    def _moments(self, current: Current, norm: Norm) -> tuple[Tensor, Tensor]:
        """The batch's mean and variance ``[T, C]``, or ``[1, C]``."""
        neurons = self.neurons
        shape = (neurons.samples, neurons.timesteps, neurons.channels)
        means, squares = torch.empty(2, *shape, dtype=self.dtype)
        share("moments", self.dtype, neurons.samples, neurons, current, means, squares)
        dims = (0, 1) if norm.pooled else (0,)
        means, squares = means.double(), squares.double()
        mean = means.mean(dims, keepdim=True)
        total = squares.sum(dims) + neurons.pixels * (means - mean).square().sum(dims)
        mean, total = mean.reshape(-1, neurons.channels), total.reshape(-1, neurons.channels)
        count = self._count(norm)
        norm.track(mean.to(self.dtype), (total / max(count - 1, 1)).to(self.dtype))
        return mean, total / count

    def _count(self, norm: Norm) -> int:
        """How many values are normalised together."""
        timesteps = self.neurons.timesteps if norm.pooled else 1
        return int(self.neurons.samples * self.neurons.pixels * timesteps)

    def backward(self, gradient: Tensor, bits: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of the charge, of the norms' weights, and of the gain.

        The second is ``[1 + currents, T, C]``: the sum of the charge's gradient over images and
        pixels, and of its products with each normalised current.
        """
        neurons = self.neurons
        of_charge = dense_empty(self.shape, self.dtype)
        shape = (neurons.samples, 1 + neurons.currents, neurons.timesteps, neurons.channels)
        sums = torch.empty(shape, dtype=self.dtype)
        gains = torch.empty(neurons.samples, dtype=torch.float64)
        own = neurons, self.currents, bits, gradient, of_charge, sums, gains
        share("fire_gradient", self.dtype, neurons.samples, *own)
        return of_charge, sums.double().sum(0), gains.sum().to(self.dtype)

    def of_current(
        self, place: int, of_charge: Tensor, sums: Tensor, *, needed: bool
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Gradients of a current, and of its norm's weight and bias."""
        norm = self.norms[place]
        if norm is None:
            return of_charge, None, None
        bias, slope = sums[0], sums[1 + place]
        of_norm = slope.sum(0).to(self.dtype), bias.sum(0).to(self.dtype)
        if not needed:
            return None, *of_norm
        return self._of_normalised(place, of_charge, bias, slope, norm), *of_norm

    def _of_normalised(
        self, place: int, of_charge: Tensor, bias: Tensor, slope: Tensor, norm: Norm
    ) -> Tensor:
        means = torch.stack([bias, slope])
        if norm.statistics is not None:
            means = torch.zeros_like(means)
        elif norm.pooled:
            means = means.sum(1, keepdim=True).expand_as(means)
        means = (means / self._count(norm)).to(self.dtype).contiguous()
        out = dense_empty(self.shape, self.dtype)
        own = self.neurons, self.currents[place], of_charge, means[0], means[1], out
        share("normalise_gradient", self.dtype, self.neurons.samples, *own)
        return out


def _steps(x: Tensor) -> Tensor:
    """``x``, channels last; a current that is the same at all timesteps remains a single one."""
    if len(x) > 1 and x.stride(0) == 0:
        return dense(x[:1]).expand_as(x)
    return dense(x)
