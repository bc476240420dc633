"""Mean layer activations of a network without spiking neurons (Figure 2C)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from autosnn_nni.search_spaces.spikes import layer_names, spiking_layers
from autosnn_nni.search_spaces.watch import Watch


@dataclass(frozen=True)
class LayerActivation:
    """A layer's ``mean`` activation over its units and all images."""

    name: str
    mean: float


class ActivationMeter(Watch):
    """Averages the outputs of ReLU and pooling layers; does nothing on a spiking network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self._sums: dict[str, Tensor] = {}
        self._outputs: dict[str, int] = {}

    def _watch(self) -> Iterator[RemovableHandle]:
        if any(True for _ in spiking_layers(self.network)):
            return
        measured = {
            path: module
            for path, module in self.network.named_modules()
            if isinstance(module, nn.ReLU | nn.MaxPool2d | nn.AvgPool2d)
        }
        for path, name in layer_names(measured).items():
            yield measured[path].register_forward_hook(partial(self._add, name))

    def _add(self, name: str, module: nn.Module, inputs: Any, output: Tensor) -> None:
        total = output.detach().sum().double()
        self._sums[name] = self._sums[name] + total if name in self._sums else total
        self._outputs[name] = self._outputs.get(name, 0) + output.numel()

    def layers(self) -> list[LayerActivation]:
        """Every measured layer, in network order."""
        return [
            LayerActivation(name, float(total) / self._outputs[name])
            for name, total in self._sums.items()
        ]
