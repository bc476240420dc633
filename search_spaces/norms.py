"""Batch norm at other places, or of another kind, than behind every convolution."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from spikingjelly.activation_based import base, layer
from torch import Tensor, nn

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.batch_norm import BatchNorm1d
from autosnn_nni.search_spaces.layers import ConvBN, SpikingConv, SpikingLinear, VotingLayer

#: Changes a network's stem, its stages and its last layer, for so many timesteps; by the name that
#: a macro gives it.
Norm = Callable[[SpikingConv, nn.ModuleDict, VotingLayer, int], None]
NORMS: Registry[Norm] = Registry("batch norm")

#: Of a neuron's input current over images and units: a leaky neuron at rest fires above 2.
_LIFTED = 2.0


def behind_layers(
    stem: SpikingConv, stages: nn.ModuleDict, fc: VotingLayer, timesteps: int
) -> None:
    """Behind every convolution, as the blocks have it."""


def through_time(stem: SpikingConv, stages: nn.ModuleDict, fc: VotingLayer, timesteps: int) -> None:
    """BNTT (Kim and Panda 2020): one for each timestep, without bias; hidden layers have one too.

    The stem's convolution sees an image once, so that it keeps a single batch norm.
    """
    for unit in stages.modules():
        if isinstance(unit, ConvBN):
            unit[1] = layer.BatchNormThroughTime2d(timesteps, unit[0].out_channels, eps=1e-4)
        elif isinstance(unit, SpikingLinear):
            features = unit.linear.out_features
            unit.norm = layer.BatchNormThroughTime1d(timesteps, features, eps=1e-4)


def before_the_last_layer(
    stem: SpikingConv, stages: nn.ModuleDict, fc: VotingLayer, timesteps: int
) -> None:
    """Once, as in VGG16_SBN (Kim and Panda 2021)."""
    for unit in [stem.conv, *stages.modules()]:
        if isinstance(unit, ConvBN):
            unit[1] = nn.Identity()
    fc.norm = BatchNorm1d(fc.linear.in_features)


NORMS.add("layer", behind_layers)
NORMS.add("time", through_time)
NORMS.add("last", before_the_last_layer)


class KeptBatchNorm2d(base.MemoryModule):
    """Batch norm with running statistics of its own for every timestep; weights are shared."""

    def __init__(self, timesteps: int, channels: int) -> None:
        super().__init__()
        self.timesteps = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(timesteps))
        first = self.timesteps[0]
        for other in self.timesteps[1:]:
            other.weight, other.bias = first.weight, first.bias
        self.register_memory("timestep", 0)

    def single_step_forward(self, x: Tensor) -> Tensor:
        """``[N, C, H, W]`` of the next timestep since the network was reset."""
        normed: Tensor = self.timesteps[self.timestep](x)
        self.timestep += 1
        return normed


def keep_statistics(stages: nn.Module, timesteps: int) -> None:
    """Give every batch norm in ``stages`` running statistics for every timestep.

    The stem's convolution sees an image once, so that it keeps a single set.
    """
    for module in list(stages.modules()):
        for name, child in module.named_children():
            if isinstance(child, layer.BatchNorm2d):
                setattr(module, name, KeptBatchNorm2d(timesteps, child.num_features))


@torch.no_grad()
def lift(network: nn.Module, shape: tuple[int, int, int]) -> None:
    """Scale the weights of layers without batch norm so that their neurons fire on random images.

    SALT raises the activity of such a network by training weights and thresholds first; this does
    it layer after layer in one forward pass.
    """
    lifted: set[nn.Module] = set()
    hooks = [one.register_forward_hook(partial(_scale, lifted)) for one in _bare_layers(network)]
    weights = next(network.parameters())
    network(torch.randn(32, *shape, dtype=weights.dtype))
    for hook in hooks:
        hook.remove()


def _bare_layers(network: nn.Module) -> Iterator[nn.Module]:
    for unit in network.modules():
        if isinstance(unit, ConvBN) and isinstance(unit[1], nn.Identity):
            yield unit[0]
        elif isinstance(unit, SpikingLinear) and isinstance(unit.norm, nn.Identity):
            yield unit.linear


def _scale(lifted: set[nn.Module], module: Any, inputs: Any, currents: Tensor) -> Tensor | None:
    if module in lifted:
        return None
    lifted.add(module)
    factor = _LIFTED / currents.std()
    module.weight.mul_(factor)
    return currents * factor
