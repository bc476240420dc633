"""Spiking neurons by name: SpikingJelly's, made fast on the CPU.

Eq. 2 of the paper: the membrane potential ``v`` is charged to ``h``, a spike is fired where
``h >= 1``, and those neurons are reset to 0. SpikingJelly provides parameters, state and the CUDA
kernels. On the CPU all timesteps at once are done by the kernels, and a single one, where charge,
fire and reset take four passes over memory, instead of SpikingJelly's twelve, by torch.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from spikingjelly.activation_based import neuron
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.kernels.firing import SURROGATES as IN_KERNELS
from autosnn_nni.kernels.firing import Membrane, Term
from autosnn_nni.kernels.firing import fire as fire_all
from autosnn_nni.kernels.library import supported
from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.own import is_own
from autosnn_nni.search_spaces.surrogates import SURROGATES, Surrogate

NeuronFactory = Callable[[], nn.Module]
NEURONS: Registry[NeuronFactory] = Registry("neuron")

THRESHOLD = 1.0
RESET = 0.0
INITIAL_TAU = 2.0
#: What SpikingJelly's neurons can have otherwise.
_EQUATION_2 = {
    "v_threshold": THRESHOLD,
    "v_reset": RESET,
    "detach_reset": True,
    "decay_input": True,
    "store_v_seq": False,
}


# A bool mask is several times slower on the CPU than arithmetic with spikes of 0.0 and 1.0.


def _fire(h: Tensor) -> Tensor:
    """Return 1.0 where the potential reaches the threshold, else 0.0."""
    return torch.ge(h, THRESHOLD, out=torch.empty_like(h))


def _zero_fired(x: Tensor, spikes: Tensor) -> Tensor:
    """Reset to 0 where a spike was fired: exactly ``x (1 - spikes)``."""
    return torch.addcmul(x, x, spikes, value=-1)


def _promoted(current: Tensor) -> Tensor:
    """Convert to at least float32, the lowest precision of potentials and spikes."""
    return current.to(torch.promote_types(current.dtype, torch.float32))


class _FireAndReset(torch.autograd.Function):
    """Spikes and reset potential from the charged potential ``h``, with a surrogate gradient.

    The reset is detached.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, surrogate: Surrogate) -> tuple[Tensor, Tensor]:
        spikes = _fire(h)
        ctx.surrogate = surrogate
        ctx.save_for_backward(h, spikes)
        ctx.set_materialize_grads(False)
        return spikes, _zero_fired(h, spikes)

    @staticmethod
    def backward(
        ctx: Any, grad_spike: Tensor | None, grad_v: Tensor | None
    ) -> tuple[Tensor | None, None]:
        h, spikes = ctx.saved_tensors
        grad = None
        if grad_spike is not None:
            grad = ctx.surrogate.backward(h - THRESHOLD, grad_spike)
        if grad_v is not None:
            kept = _zero_fired(grad_v, spikes)
            grad = kept if grad is None else grad.add_(kept)
        return grad, None


@dataclass
class Currents:
    """Currents ``[T, N, ...]`` of all timesteps, still to be normalised and added up.

    ``terms`` are currents with their batch norms; the spikes of a ``shortcut`` are added to them.
    """

    terms: list[Term] = field(default_factory=list)
    shortcut: Spikes | None = None


class SpikingNeuron(neuron.BaseNode):
    """A SpikingJelly neuron whose single step on the CPU is a charge and a fused fire and reset.

    It fires at 1 and is reset to 0. Raises :class:`UserError` for arguments that say otherwise.
    """

    v: float | Tensor
    step_mode: str
    surrogate: str

    def __init__(self, *args: Any, detach_reset: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, detach_reset=detach_reset, **kwargs)
        for name, needed in _EQUATION_2.items():
            if (given := getattr(self, name, needed)) != needed:
                raise UserError(
                    f"{type(self).__name__} has {name}={needed}, not {given}; for others register "
                    "a neuron of spikingjelly.activation_based.neuron"
                )
        self.use("atan")

    def use(self, surrogate: str) -> None:
        """Train with the surrogate of this name."""
        self.surrogate = surrogate
        self.surrogate_function = SURROGATES[surrogate].of_spikingjelly()

    def charge(self, v: Tensor, current: Tensor) -> Tensor:
        """Return the charged potential ``h`` ``[N, ...]`` (Eq. 2, second line)."""
        raise NotImplementedError

    def charge_(self, v: Tensor, current: Tensor) -> Tensor:
        """In-place :meth:`charge`, used when no gradient is needed."""
        raise NotImplementedError

    def membrane(self) -> Membrane:
        """The constants of :meth:`charge`."""
        raise NotImplementedError

    def uses_kernels(self, like: Tensor) -> bool:
        """Whether the next call is done by the kernels: all timesteps, from rest, on the CPU."""
        at_rest = isinstance(self.v, float) and self.v == RESET
        known = is_own(self) and self.surrogate in IN_KERNELS
        return self.step_mode == "m" and at_rest and known and supported(like)

    def multi_step_forward(self, currents: Tensor | Currents) -> Tensor:
        """Spikes ``[T, N, ...]`` of all timesteps; a single kernel."""
        if isinstance(currents, Tensor):
            if not is_own(self):  # a plugin's subclass may charge in another way
                return torch.stack([self.single_step_forward(current) for current in currents])
            currents = _promoted(currents)
            if not self.uses_kernels(currents):
                spikes: Tensor = super().multi_step_forward(currents)
                return spikes
            currents = Currents([(currents, None)])
        terms = [(_promoted(x) if isinstance(x, Tensor) else x, norm) for x, norm in currents.terms]
        return fire_all(terms, currents.shortcut, self.membrane())

    def single_step_forward(self, current: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Spikes ``[N, ...]`` of one timestep."""
        current = _promoted(current)
        if current.is_cuda and is_own(self):
            spikes: Tensor = super().single_step_forward(current, *args, **kwargs)
            return spikes
        v = self.v if isinstance(self.v, Tensor) else torch.zeros_like(current)
        if torch.is_grad_enabled():
            h = self.charge(v, current)
            spikes, self.v = _FireAndReset.apply(h, SURROGATES[self.surrogate])
            return spikes
        h = self.charge_(v, current)
        spikes = _fire(h)
        self.v = h.addcmul_(h, spikes, value=-1)
        return spikes


class PLIF(SpikingNeuron, neuron.ParametricLIFNode):
    """Parametric leaky integrate-and-fire (Fang et al. 2021): 1/tau = sigmoid(w), w learnt."""

    def membrane(self) -> Membrane:
        """The constants of :meth:`charge`."""
        gain = self.w.sigmoid()
        return Membrane(1 - float(gain.detach()), gain, self.surrogate)

    def charge(self, v: Tensor, current: Tensor) -> Tensor:
        """``h = v + (current - v) sigmoid(w)``."""
        return torch.lerp(v, current, self.w.sigmoid())

    def charge_(self, v: Tensor, current: Tensor) -> Tensor:
        """In-place :meth:`charge`."""
        return v.lerp_(current, self.w.sigmoid())


class LIF(SpikingNeuron, neuron.LIFNode):
    """Leaky integrate-and-fire with a fixed tau."""

    def membrane(self) -> Membrane:
        """The constants of :meth:`charge`."""
        return Membrane(1 - 1 / self.tau, 1 / self.tau, self.surrogate)

    def charge(self, v: Tensor, current: Tensor) -> Tensor:
        """``h = v + (current - v) / tau``."""
        return torch.lerp(v, current, 1 / self.tau)

    def charge_(self, v: Tensor, current: Tensor) -> Tensor:
        """In-place :meth:`charge`."""
        return v.lerp_(current, 1 / self.tau)


class IF(SpikingNeuron, neuron.IFNode):
    """Integrate-and-fire without a leak."""

    def membrane(self) -> Membrane:
        """The constants of :meth:`charge`."""
        return Membrane(1.0, 1.0, self.surrogate)

    def charge(self, v: Tensor, current: Tensor) -> Tensor:
        """``h = v + current``."""
        return v + current

    def charge_(self, v: Tensor, current: Tensor) -> Tensor:
        """In-place :meth:`charge`."""
        return v.add_(current)


def make_neuron(kind: str, surrogate: str) -> nn.Module:
    """A layer of neurons. ReLUs, and SpikingJelly's neurons in plugins, keep what they have."""
    layer = NEURONS[kind]()
    if isinstance(layer, SpikingNeuron):
        layer.use(surrogate)
    return layer


NEURONS.add("PLIF", lambda: PLIF(init_tau=INITIAL_TAU))
NEURONS.add("LIF", lambda: LIF(tau=INITIAL_TAU))
NEURONS.add("IF", lambda: IF())
NEURONS.add("ANN", lambda: nn.ReLU())
