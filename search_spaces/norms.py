"""Variants of batch norm by name: its position in a network, and its kind."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Self

import torch
from spikingjelly.activation_based import base, layer
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from autosnn_nni.errors import UserError
from autosnn_nni.kernels.norm import Norm as DeferredNorm
from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.batch_norm import (
    BatchNorm1d,
    BatchNorm2d,
    Deferrable,
    OfOneTimestep,
    track,
)
from autosnn_nni.search_spaces.layers import ConvBN, SpikingConv, SpikingLinear, VotingLayer

#: Batch norm whose equations are known; a subclass may have others.
_REPLACED = (nn.BatchNorm2d, layer.BatchNorm2d, BatchNorm2d)
_THROUGH_TIME = layer.BatchNormThroughTime1d | layer.BatchNormThroughTime2d

#: Changes a network's stem, stages and last layer in place, for a number of timesteps; by
#: the value of ``Macro.batch_norm``.
Norm = Callable[[SpikingConv, nn.ModuleDict, VotingLayer, int], None]
NORMS: Registry[Norm] = Registry("batch norm")

#: Standard deviation of a neuron's input current over images and units that :func:`lift` aims at;
#: a leaky neuron at rest fires above 2.
_TARGET_STD = 2.0


def behind_layers(
    stem: SpikingConv, stages: nn.ModuleDict, fc: VotingLayer, timesteps: int
) -> None:
    """Keep batch norm after every convolution, as in the blocks."""


def through_time(stem: SpikingConv, stages: nn.ModuleDict, fc: VotingLayer, timesteps: int) -> None:
    """Use BNTT (Kim and Panda 2020): one batch norm per timestep, without bias.

    Hidden fully connected layers have it too. The stem's convolution runs once per image, so it
    keeps a single batch norm.
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
    """Use a single batch norm, before the last layer, as in VGG16_SBN (Kim and Panda 2021)."""
    for unit in [stem.conv, *stages.modules()]:
        if isinstance(unit, ConvBN):
            unit[1] = nn.Identity()
    fc.norm = BatchNorm1d(fc.linear.in_features)


NORMS.add("layer", behind_layers)
NORMS.add("time", through_time)
NORMS.add("last", before_the_last_layer)


class KeptBatchNorm2d(Deferrable, base.MemoryModule):
    """Batch norm with separate running statistics for every timestep; weights are shared."""

    def __init__(self, timesteps: int, channels: int, **options: Any) -> None:
        super().__init__()
        norms = (OfOneTimestep(channels, **options) for _ in range(timesteps))
        self.timesteps = nn.ModuleList(norms)
        first = self.timesteps[0]
        for other in self.timesteps[1:]:
            other.weight, other.bias = first.weight, first.bias
        self.register_memory("timestep", 0)

    @classmethod
    def like(cls, norm: nn.BatchNorm2d, timesteps: int) -> Self:
        """One with the weights and the settings of ``norm``."""
        options = {"eps": norm.eps, "momentum": norm.momentum, "affine": norm.affine}
        kept = cls(timesteps, norm.num_features, **options)
        for one in kept.timesteps:
            one.weight, one.bias = norm.weight, norm.bias
        return kept

    def single_step_forward(self, x: Tensor) -> Tensor:
        """Normalise ``[N, C, H, W]`` of the next timestep since the network was reset."""
        normed: Tensor = self.timesteps[self.timestep](x)
        self.timestep += 1
        return normed

    def multi_step_forward(self, x: Tensor) -> Tensor:
        """Normalise ``[T, N, C, H, W]`` of the first T timesteps."""
        return torch.stack([norm(one) for norm, one in zip(self.timesteps, x, strict=False)])

    def deferred(self) -> DeferredNorm:
        """What the kernels need."""
        norms: list[Any] = list(self.timesteps)
        first = norms[0]
        weight, bias = first.weight, first.bias
        if not first.affine:
            weight, bias = torch.ones_like(first.running_var), torch.zeros_like(first.running_mean)
        if first.training:  # they alone are set to training while statistics are computed again
            return DeferredNorm(weight, bias, first.eps, track=self._track)
        mean = torch.stack([norm.running_mean for norm in norms])
        variance = torch.stack([norm.running_var for norm in norms])
        return DeferredNorm(weight, bias, first.eps, (mean, variance))

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        norms: Iterable[Any] = self.timesteps
        for norm, *statistics in zip(norms, mean, variance, strict=False):
            track(norm, *(one[None] for one in statistics))


def keep_statistics(stages: nn.Module, timesteps: int) -> None:
    """Give every batch norm in ``stages`` separate running statistics for every timestep.

    The stem's convolution runs once per image, so it keeps a single set. Raises :class:`UserError`
    for a batch norm that may compute something else than torch's.
    """
    if unknown := cant_be_kept(stages):
        raise UserError(f"the space can't have kept batch norm: {unknown}")
    kept: dict[nn.Module, KeptBatchNorm2d] = {}  # a layer may have two names
    for parent, name, norm in list(_batch_norms(stages)):
        if norm not in kept:
            kept[norm] = KeptBatchNorm2d.like(norm, timesteps)
        setattr(parent, name, kept[norm])


def cant_be_kept(part: nn.Module) -> str:
    """Why :func:`keep_statistics` can't be used on a part of a network; empty if it can."""
    for _, _, norm in _batch_norms(part):
        if type(norm) not in _REPLACED or not norm.track_running_stats:
            return (
                f"its {type(norm).__name__} may compute something else; use torch's BatchNorm2d "
                "itself, or another --batch-norm"
            )
    return ""


def _batch_norms(part: nn.Module) -> Iterator[tuple[nn.Module, str, Any]]:
    """Every batch norm, apart from those that are for a single timestep: its parent, and name."""
    through_time = [one for one in part.modules() if isinstance(one, _THROUGH_TIME)]
    inside = {inner for one in through_time for inner in one.modules()}
    for module in part.modules():
        for name, child in module._modules.items():
            if module not in inside and isinstance(child, _BatchNorm):
                yield module, name, child


@torch.no_grad()
def lift(network: nn.Module, shape: tuple[int, int, int]) -> None:
    """Scale the weights of layers without batch norm so that their neurons fire on random images.

    SALT raises the activity of such a network by training weights and thresholds first; this
    function scales one layer after another in a single forward pass.
    """
    scaled: set[nn.Module] = set()
    hooks = [one.register_forward_hook(partial(_scale, scaled)) for one in _bare_layers(network)]
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


def _scale(scaled: set[nn.Module], module: Any, inputs: Any, currents: Tensor) -> Tensor | None:
    if module in scaled:
        return None
    scaled.add(module)
    factor = _TARGET_STD / currents.std()
    module.weight.mul_(factor)
    return currents * factor
