"""Charge neurons with the sum of several currents."""

from collections.abc import Callable, Iterator
from functools import partial, reduce
from operator import add
from typing import Any, TypeGuard

from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook
from torch.utils.hooks import RemovableHandle

from autosnn_nni.kernels.convolution import Convolved
from autosnn_nni.kernels.firing import MAX_CURRENTS
from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces.batch_norm import Deferrable
from autosnn_nni.search_spaces.neurons import Currents, SpikingNeuron
from autosnn_nni.search_spaces.own import is_own

Layer = Any  # a module, or any function of its input


def fire(neuron: nn.Module, *paths: tuple[Any, ...]) -> Tensor:
    """Outputs of ``neuron``, charged by the sum of all paths: an input, then layers.

    ``fire(neuron, (x, conv, norm), (x,))`` is ``neuron(norm(conv(x)) + x)``. With the kernels,
    batch norm at the end of a path, charge, fire and reset are a single pass.
    """
    if _takes_currents(neuron) and neuron.uses_kernels(paths[0][0]):
        currents = Currents()
        for x, *layers in paths:
            _add(currents, x, *_flat(layers))
        if len(currents.terms) in range(1, MAX_CURRENTS + 1):
            return neuron(currents)
    return neuron(reduce(add, (_through(*path) for path in paths)))


def _takes_currents(neuron: nn.Module) -> TypeGuard[SpikingNeuron]:
    """Whether it can be called with them: who looks at its input expects a tensor."""
    return isinstance(neuron, SpikingNeuron) and not neuron._forward_pre_hooks


def _add(currents: Currents, x: Tensor, *layers: Layer) -> None:
    norm = None
    if layers and _can_be_deferred(layers[-1]):
        norm, layers = layers[-1].deferred(), layers[:-1]
    if convolved := _convolved(x, *layers):
        currents.terms.append((convolved, norm))
        return
    x = _through(x, *layers)
    if norm is None and isinstance(x, Spikes) and currents.shortcut is None:
        currents.shortcut = x
    else:
        currents.terms.append((x, norm))


def _can_be_deferred(layer: Layer) -> TypeGuard[Deferrable]:
    return is_own(layer) and isinstance(layer, Deferrable) and not is_watched(layer)


def _convolved(x: Tensor, *layers: Layer) -> Convolved | None:
    """A convolution that the neurons can do themselves; who looks at its input is called."""
    if len(layers) != 1 or not hasattr(layers[0], "convolved"):
        return None
    (layer,) = layers
    looking = list(layer._forward_pre_hooks.values())
    only_look = all(getattr(hook, "only_looks", False) for hook in looking)
    if _is_watched_behind(layer) or not only_look:
        return None
    convolved: Convolved | None = layer.convolved(x)
    if convolved is not None:
        for hook in looking:
            hook(layer, (x,))
    return convolved


def look_at_input(layer: nn.Module, look: Callable[..., None]) -> RemovableHandle:
    """A forward pre-hook that changes nothing; with it a layer is as fast as without."""
    hook: Any = partial(look)
    hook.only_looks = True
    return layer.register_forward_pre_hook(hook)


def is_watched(layer: Any) -> bool:
    """Whether someone wants to know when the layer is called."""
    return bool(layer._forward_pre_hooks) or _is_watched_behind(layer)


def _is_watched_behind(layer: Any) -> bool:
    """The same, for its output or its gradients, or for all layers."""
    backward = layer._backward_hooks or layer._backward_pre_hooks
    return bool(layer._forward_hooks or backward) or _has_any_global_hook()


def _through(x: Any, *layers: Layer) -> Any:
    return reduce(lambda value, layer: layer(value), layers, x)


def _flat(layers: list[Layer]) -> Iterator[Layer]:
    """The layers, those of a ``Sequential`` one by one, without identities."""
    for layer in layers:
        if isinstance(layer, nn.Sequential) and not is_watched(layer):
            yield from _flat(list(layer))
        elif not isinstance(layer, nn.Identity):
            yield layer
