"""Networks whose layers all get spikes, to compare what they give. This needs no pytest.

A newly built network fires in its first layers only, at least in eval mode. All its votes are zero
then, whatever the layers behind those do: who compares them sees no fault.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from spikingjelly.activation_based import layer, neuron
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.utils.hooks import RemovableHandle

from autosnn_nni.search_spaces import SpikingNetwork, seeded, subnet
from autosnn_nni.search_spaces.firing import look_at_input
from autosnn_nni.search_spaces.norms import lift
from autosnn_nni.search_spaces.watch import Watch

Module = TypeVar("Module", bound=nn.Module)

_DRAWS = 10


def lively(
    network: SpikingNetwork, images: Tensor, samples: Sequence[Mapping[str, str]] = ({},)
) -> SpikingNetwork:
    """Give ``network`` weights, and statistics of batch norm, under which ``images`` get votes.

    Of a few draws it is the one that leaves the fewest layers without spikes: none, unless the
    network cuts one off. Of a supernet, ``samples`` are the paths that are tried. Raises
    :class:`AssertionError` if one of them never votes.
    """
    silent: dict[int, float] = {}
    for seed in range(_DRAWS):
        _draw_all(network, images, seed)
        silent[seed] = sum(_silent(subnet(network, sample), images) for sample in samples)
        if not silent[seed]:
            return network
    best = min(silent, key=silent.__getitem__)
    if silent[best] == math.inf:
        raise AssertionError("all votes are zero, so a comparison of them would see no fault")
    _draw_all(network, images, best)
    return network


def enliven(module: Module, seed: int = 0) -> Module:
    """``module`` with random weights and statistics under which layers with batch norm fire."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in module.modules():
            _draw(one, rng)
        for averaged in _neurons_of_averages(module):
            averaged.w.fill_(40)  # an average is at most 1: any leak keeps it below the threshold
    return module


def step(network: SpikingNetwork, images: Tensor) -> dict[str, Tensor]:
    """Votes, gradients and statistics of a training step; what is random in it is the same.

    Gradients are divided by the largest of them: batch norm of currents that are nearly constant
    multiplies those before it by hundreds, and their rounding as well.
    """
    with seeded(0):
        votes = network(images)
    (votes * torch.linspace(1, 2, votes.numel()).view_as(votes)).sum().backward()
    gradients = {name: one.grad for name, one in network.named_parameters() if one.grad is not None}
    largest = max(float(one.abs().max()) for one in gradients.values()) or 1.0
    parts = {f"gradient of {name}": one / largest for name, one in gradients.items()}
    return {"votes": votes.detach(), **parts, **dict(network.named_buffers())}


def _draw_all(network: SpikingNetwork, images: Tensor, seed: int) -> None:
    enliven(network, seed)
    if isinstance(network.fc.norm, _BatchNorm):  # the only one: currents die away before it
        channels, height, width = images.shape[-3:]
        with seeded(seed):
            lift(network, (channels, height, width))


def _draw(module: Any, rng: torch.Generator) -> None:
    if isinstance(module, _BatchNorm):
        if module.weight is not None:
            module.weight.uniform_(1, 3, generator=rng)
        if module.bias is not None:
            module.bias.uniform_(0, 1.5, generator=rng)
        if module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(0, 0.3, generator=rng)
            module.running_var.uniform_(0.5, 2, generator=rng)
    elif isinstance(module, nn.Linear | _ConvNd):
        module.weight.normal_(0, 1.5 / module.weight[0].numel() ** 0.5, generator=rng)
    elif isinstance(module, neuron.ParametricLIFNode):
        module.w.uniform_(-1, 1.5, generator=rng)
    if isinstance(module, nn.Linear):
        module.weight.mul_(4)


def _neurons_of_averages(network: nn.Module) -> list[neuron.ParametricLIFNode]:
    """The PLIF neurons whose input are averages of spikes, not their sums."""
    units: list[Any] = list(network.modules())
    gaps = [one for one in units if not getattr(one, "sums", True)]
    pools = [one for one in units if isinstance(getattr(one, "pool", None), layer.AvgPool2d)]
    averages = [one for one in pools if one.pool.divisor_override is None]
    neurons = [one.neuron for one in [*gaps, *averages]]
    return [one for one in neurons if isinstance(one, neuron.ParametricLIFNode)]


def _silent(network: SpikingNetwork, images: Tensor) -> float:
    """How many layers with weights get no spikes; infinite if there are no votes."""
    training = network.training
    with _Fed(network) as fed, torch.no_grad():
        votes = network.eval()(images)
    network.train(training)
    return list(fed.layers.values()).count(False) if votes.any() else math.inf


class _Fed(Watch):
    """The layers with weights that were called, and whether any got something."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.layers: dict[nn.Module, bool] = {}

    def _watch(self) -> Iterator[RemovableHandle]:
        for module in self.network.modules():
            if isinstance(module, nn.Linear | _ConvNd):
                yield look_at_input(module, self._look)

    def _look(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.layers[module] = self.layers.get(module, False) or bool(inputs[0].any())
