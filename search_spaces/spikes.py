"""Count spikes. All counting is done in this module.

Spikes are counted per image, summed over all timesteps, at every layer that sends spikes: the
stem's neurons, every neuron layer in the blocks, every max-pool's outputs and the fully connected
layer's neurons. Identity skips add none, because their spikes are counted where they were fired.
This is the paper's convention (Section 3.1 counts the pooling layers DS1 to DS3). The spikes of
neurons alone are reported as well. A max-pool of currents, before the neurons, sends none. Example:
a stem of 4 neurons that all fire at 2 timesteps gives 8 spikes; a max-pool after it that passes 1
spike per timestep adds 2.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import torch
from spikingjelly.activation_based import neuron
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces.watch import Watch


@dataclass(frozen=True)
class LayerSpikes:
    """A layer that sends spikes; ``spikes`` is per image, summed over all timesteps.

    ``kind`` is ``"neuron"`` or ``"pool"``; ``neurons`` counts its outputs per image and timestep.
    """

    name: str
    kind: str
    neurons: int
    spikes: float
    firing_rate: float


def layer_names(
    paths: Iterable[str], endings: Sequence[str] = (".neuron", ".layers")
) -> dict[str, str]:
    """The names of layers in tables, by the paths of their modules in the network.

    They have no ``stages.`` and none of the ``endings``. Where two would be called the same, both
    keep their whole paths.
    """
    names = {
        path: reduce(str.removesuffix, endings, path.removeprefix("stages.")) for path in paths
    }
    times = Counter(names.values())
    return {path: name if times[name] == 1 else path for path, name in names.items()}


def neurons_in(layers: Iterable[LayerSpikes]) -> int:
    """The number of neurons, without the max-pools' outputs."""
    return sum(layer.neurons for layer in layers if layer.kind == "neuron")


def are_spikes(values: Tensor) -> Tensor:
    """Whether all ``values`` are spikes or their sums, whole numbers from 0 on: bool ``[]``."""
    return ((values >= 0) & (values == values.round())).all()


def _sent(kind: str, output: Tensor) -> Tensor:
    """The number of spikes in a layer's ``output``."""
    total = output.detach().sum(dtype=torch.float64)
    if kind == "neuron" or isinstance(output, Spikes):
        return total
    return torch.where(are_spikes(output.detach()), total, 0.0)


def is_spiking(network: nn.Module) -> bool:
    """Whether it has spiking neurons; a ReLU network has none, and its pools pass no spikes."""
    return any(isinstance(module, neuron.BaseNode) for module in network.modules())


def spiking_layers(network: nn.Module) -> Iterator[tuple[str, str, nn.Module]]:
    """Yield name, kind and module of every layer that sends spikes; none in a ReLU network."""
    if is_spiking(network):
        yield from _spiking_layers(network)


def _spiking_layers(part: nn.Module) -> Iterator[tuple[str, str, nn.Module]]:
    kinds = {"neuron": neuron.BaseNode, "pool": nn.MaxPool2d}
    found = {
        path: (kind, module)
        for path, module in part.named_modules()
        for kind, of_kind in kinds.items()
        if isinstance(module, of_kind)
    }
    for path, name in layer_names(found).items():
        yield name, *found[path]


class FiringRate(Watch):
    """The mean firing rate of all neurons in a forward pass, differentiable.

    ``sum_t sum_k phi_k[t] / (K T)`` of Section B.3, averaged over the images; spike regularisation
    adds it to the loss.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self._spikes: list[Tensor] = []
        self._outputs = 0

    def _watch(self) -> Iterator[RemovableHandle]:
        for _, kind, module in spiking_layers(self.network):
            if kind == "neuron":
                yield module.register_forward_hook(self._add)

    def _add(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self._spikes.append(output.sum())
        self._outputs += output.numel()

    def value(self) -> Tensor | float:
        """Spikes per neuron per timestep; 0 in a network without spiking neurons."""
        return torch.stack(self._spikes).sum() / self._outputs if self._spikes else 0.0


class SpikeTotal(Watch):
    """The total spikes of a part of a spiking network, over all layers."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self._total: Tensor | float = 0.0
        self._outputs = 0

    def _watch(self) -> Iterator[RemovableHandle]:
        for _, kind, module in _spiking_layers(self.network):
            yield module.register_forward_hook(partial(self._add, kind))

    def _add(self, kind: str, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self._total = self._total + _sent(kind, output)
        self._outputs += output.numel() if kind == "neuron" else 0

    def take(self) -> tuple[Tensor | float, int]:
        """Spikes since the last call, and how many outputs neurons had, over all timesteps.

        The spikes stay on the network's device.
        """
        found = self._total, self._outputs
        self._total, self._outputs = 0.0, 0
        return found


class SpikeCounter(Watch):
    """Counts spikes; used as a context manager.

    Counts stay on the network's device until they are read, so counting never waits for a GPU.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self._totals: dict[str, Tensor] = {}
        self._sizes: dict[str, int] = {}
        self._kinds: dict[str, str] = {}
        self._images = 0
        self._timesteps: dict[str, int] = {}

    def _watch(self) -> Iterator[RemovableHandle]:
        yield self.network.register_forward_pre_hook(self._count_images)
        for name, kind, module in spiking_layers(self.network):
            self._kinds[name] = kind
            yield module.register_forward_hook(partial(self._count, name, kind))

    def _count_images(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._images += len(inputs[0])
        self._timesteps.clear()

    def _count(self, name: str, kind: str, module: nn.Module, inputs: Any, output: Tensor) -> None:
        multi_step = getattr(module, "step_mode", "s") == "m"
        steps, sizes = (len(output), output.shape[2:]) if multi_step else (1, output.shape[1:])
        total = _sent(kind, output)
        self._totals[name] = self._totals[name] + total if name in self._totals else total
        self._sizes[name] = sizes.numel()
        self._timesteps[name] = self._timesteps.get(name, 0) + steps

    @property
    def images(self) -> int:
        """The number of images seen."""
        return self._images

    @property
    def total(self) -> float:
        """Total spikes of all images seen."""
        return float(torch.stack(list(self._totals.values())).sum()) if self._totals else 0.0

    @property
    def spikes(self) -> float:
        """Spikes per image."""
        return self.total / self._images

    @property
    def neuron_spikes(self) -> float:
        """Spikes per image of neurons only, without the max-pools' outputs."""
        return sum(layer.spikes for layer in self.layers() if layer.kind == "neuron")

    @property
    def firing_rate(self) -> float:
        """Spikes per neuron per timestep, over all neurons."""
        layers = [layer for layer in self.layers() if layer.kind == "neuron"]
        slots = sum(layer.neurons * self._timesteps[layer.name] for layer in layers)
        return sum(layer.spikes for layer in layers) / slots if slots else 0.0

    def layers(self) -> list[LayerSpikes]:
        """Every layer that sent spikes, in network order."""
        return [
            self._layer(name, kind) for name, kind in self._kinds.items() if name in self._sizes
        ]

    def _layer(self, name: str, kind: str) -> LayerSpikes:
        spikes = float(self._totals[name]) / self._images
        neurons = self._sizes[name]
        return LayerSpikes(name, kind, neurons, spikes, spikes / (neurons * self._timesteps[name]))
