"""Try the neurons of plugins once, before anything is trained.

Spikes are what a ``BaseNode`` of SpikingJelly sends, and they are counted by adding them up. A
neuron of another kind would be taken for a ReLU, one that sends other numbers would be counted
wrongly, and one that a reset does not clear would depend on the images before. A plugin's neuron is
run on small random currents, of a block and of the last layer, in training and in eval mode.
"""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from spikingjelly.activation_based import functional, neuron
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces.attempt import attempt, check_factory
from autosnn_nni.search_spaces.neurons import NeuronFactory

_TIMESTEPS = 3
#: Currents ``[N, C, H, W]`` of a block, and ``[N, C]`` of the last layer.
_SHAPES = ((2, 8, 8, 8), (2, 40))
#: Rounding may move a spike if there are fewer images in a batch.
_NEARLY_ALL = 0.999


def probe_neuron(name: str, factory: NeuronFactory, timesteps: int = _TIMESTEPS) -> None:
    """Try the neuron ``name`` on so many timesteps at most.

    Raises :class:`UserError` that names the neuron and says what is wrong with it.
    """
    check_factory(f"neuron {name!r}", factory)
    _probe(name, factory, min(timesteps, _TIMESTEPS))


@cache
def _probe(name: str, factory: NeuronFactory, timesteps: int) -> None:
    with torch.random.fork_rng():
        for shape in _SHAPES:
            _NeuronTrial(name, factory, (timesteps, *shape)).run()


class _NeuronTrial:
    """One layer of a plugin's neurons, on currents ``[T, N, ...]`` of one shape."""

    def __init__(self, name: str, factory: NeuronFactory, shape: tuple[int, ...]) -> None:
        self.name = name
        self.currents = list(_random(shape))
        self.layer = self._attempt("can't be made", factory)
        if not isinstance(self.layer, neuron.BaseNode | nn.ReLU):
            kind = type(self.layer).__name__
            raise self._error(
                f"gives {kind}, which is no BaseNode of SpikingJelly: its spikes would not be "
                "counted; make it a subclass of neuron.BaseNode"
            )
        if self._attempt("can't be made", factory) is self.layer:
            raise self._error("is the same layer at each call; make a new one each time")
        self._attempt(
            "can't take single timesteps", lambda: functional.set_step_mode(self.layer, "s")
        )

    def run(self) -> None:
        """Raise :class:`UserError` for wrong behaviour."""
        self._outputs()  # makes what is made at the first call
        state = self._attempt("can't be copied", lambda: copy.deepcopy(self.layer)).state_dict()
        first = self._outputs()
        self._train()
        self._attempt("can't be loaded", lambda: self.layer.load_state_dict(state))
        if not all(map(torch.equal, first, self._outputs())):
            raise self._error(
                "gives another answer to the same input after a reset: state must be a memory of "
                "SpikingJelly's MemoryModule (register_memory), and what training changes a buffer"
            )
        if not all(map(_nearly_equal, first, self._outputs(images=1))):
            raise self._error(
                "gives an image another answer in eval mode if other images are in its batch"
            )

    def _train(self) -> None:
        self.layer.train()
        currents = [current.clone().requires_grad_() for current in self.currents]
        total = sum(self._step(current * 1) for current in currents)
        if not isinstance(total, Tensor) or not total.requires_grad:
            raise self._error("can't be trained: its output has no gradient")
        self._attempt("can't be trained", total.sum().backward)
        self._reset()

    @torch.no_grad()
    def _outputs(self, images: int | None = None) -> list[Tensor]:
        """Outputs of every timestep in eval mode, from a reset on."""
        self.layer.eval()
        self._reset()
        outputs = [self._step(current[:images]) for current in self.currents]
        self._reset()
        return outputs

    def _reset(self) -> None:
        self._attempt("can't be reset", lambda: functional.reset_net(self.layer))

    def _step(self, current: Tensor) -> Tensor:
        version = current._version
        output = self._attempt(f"fails on {list(current.shape)}", lambda: self.layer(current))
        if not isinstance(output, Tensor) or output.shape != current.shape:
            given = list(getattr(output, "shape", [])) or type(output).__name__
            raise self._error(f"gives {given} for {list(current.shape)}")
        if current._version != version:
            raise self._error("changes its input, which other timesteps share")
        self._check_values(output.detach())
        return output

    def _check_values(self, output: Tensor) -> None:
        if isinstance(self.layer, nn.ReLU):
            return
        others = output[(output != 0) & (output != 1)]
        if len(others):
            raise self._error(f"must send zeros and ones only, not {others[0].item():.3g}")

    def _attempt(self, what: str, act: Callable[[], Any]) -> Any:
        return attempt(act, lambda reason: self._error(f"{what}: {reason}"))

    def _error(self, what: str) -> UserError:
        return UserError(f"neuron {self.name!r} {what}")


def _random(shape: tuple[int, ...]) -> Tensor:
    """Currents from -4 to 4, always the same, in the layout that a network has."""
    currents = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 8 - 4
    if len(shape) < 5:
        return currents
    flat = currents.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return flat.unflatten(0, shape[:2])


def _nearly_equal(batch: Tensor, alone: Tensor) -> bool:
    same = torch.isclose(batch[: len(alone)], alone, atol=1e-4)
    return float(same.double().mean()) > _NEARLY_ALL
