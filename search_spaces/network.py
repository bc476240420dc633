"""The spiking network that both the supernet and every stand-alone architecture are."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from autosnn_nni.search_spaces.layers import ConvBN, SpikingConv, VotingLayer

AModule = TypeVar("AModule", bound=nn.Module)


class Timesteps(nn.Module):
    """An image's current at each of ``count`` timesteps: direct encoding.

    A module, so that timesteps can be chosen as blocks are.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, current: Tensor) -> list[Tensor]:
        """The same ``current`` for every timestep."""
        return [current] * self.count


class Encoder(nn.Module):
    """What the stem's neurons get of images, by the stem's convolution ``conv``.

    Direct encoding: the convolution runs once per image, for all ``timesteps``; of event data it
    sees another frame at every timestep. ``shrink`` x ``shrink`` pixels are averaged before it.
    """

    def __init__(self, conv: nn.Module, timesteps: nn.Module, *, pooled: bool, shrink: int) -> None:
        super().__init__()
        self.conv = conv
        self.timesteps = timesteps
        self.pooled = pooled
        self.shrink = shrink

    def forward(self, images: Tensor) -> list[Tensor]:
        """Currents ``[N, C, H, W]`` for every timestep; ``pooled``, one ``[T, N, C, H, W]``.

        Of images ``[N, C, H, W]``, or event frames ``[N, T, C, H, W]``.
        """
        if images.dim() == 4:
            current = self._convolved(images)
            steps: list[Tensor] = self.timesteps(current)
            return [current.expand(len(steps), *current.shape)] if self.pooled else steps
        if self.pooled:
            frames = images.transpose(0, 1)
            return [self._convolved(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])]
        return [self._convolved(frames) for frames in images.unbind(1)]

    def _convolved(self, images: Tensor) -> Tensor:
        if self.shrink > 1:
            images = F.avg_pool2d(images, self.shrink)
        current: Tensor = self.conv(images.contiguous(memory_format=torch.channels_last))
        return current


class SpikingNetwork(nn.Module):
    """Stem, named stages and voting layer, unrolled over ``timesteps``.

    ``pooled`` computes batch norm's statistics over all timesteps at once (SpikingJelly's
    multi-step mode) instead of per timestep, which is the authors' setting. For ``shrink`` see
    :class:`Encoder`.
    """

    def __init__(
        self,
        stem: SpikingConv,
        stages: nn.ModuleDict,
        fc: VotingLayer,
        timesteps: nn.Module,
        *,
        pooled: bool = False,
        shrink: int = 1,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.stages = stages
        self.fc = fc
        self.timesteps = timesteps
        self.pooled = pooled
        self.shrink = shrink
        functional.set_step_mode(self, "m" if pooled else "s")
        functional.set_step_mode(self.stem.conv, "s")
        _channels_last(self)

    @property
    def encoder(self) -> Encoder:
        """What comes before the stem's neurons."""
        conv = self.stem.conv
        return Encoder(conv, self.timesteps, pooled=self.pooled, shrink=self.shrink)

    def forward(self, images: Tensor) -> Tensor:
        """Images ``[N, C, H, W]``, or event frames ``[N, T, C, H, W]``, to votes ``[N, classes]``.

        Votes are means over time.
        """
        try:
            return mean_votes(map(self._step, self.encoder(images)), pooled=self.pooled)
        finally:
            functional.reset_net(self)

    def _step(self, current: Tensor) -> Tensor:
        x = self.stem.neuron(current)
        for stage in self.stages.values():
            x = stage(x)
        return self.fc(x)


def mean_votes(steps: Iterable[Tensor], *, pooled: bool) -> Tensor:
    """The mean over time of votes ``[N, classes]`` a step, or ``pooled`` of ``[T, N, classes]``."""
    total, *others = steps
    if pooled:
        return total.mean(0)
    for votes in others:
        total = total + votes
    return total / (1 + len(others))


def subnet(supernet: SpikingNetwork, sample: Mapping[str, str]) -> SpikingNetwork:
    """The network of one path through a supernet; its layers are the supernet's own."""
    path: SpikingNetwork = _path(supernet, sample)
    return path


def _path(module: Any, sample: Mapping[str, str]) -> Any:
    """``module``, its choices replaced by what is chosen; what holds none is left as it is."""
    children = {
        name: child[sample[name]] if name in sample else _path(child, sample)
        for name, child in module.named_children()
    }
    if all(children[name] is child for name, child in module.named_children()):
        return module
    path = copy.copy(module)
    path._modules = children
    return path


def path_weights(weights: Mapping[str, Tensor], sample: Mapping[str, str]) -> dict[str, Tensor]:
    """The state of one path's stand-alone network, out of the state of a supernet."""
    path: dict[str, Tensor] = {}
    for name, value in weights.items():
        parts = name.split(".")
        tbd = next((place for place, part in enumerate(parts) if part in sample), None)
        if tbd is None:
            path[name] = value
        elif parts.pop(tbd + 1) == sample[parts[tbd]]:
            path[".".join(parts)] = value
    return path


def fold_batch_norm(network: AModule) -> AModule:
    """A copy in eval mode with every batch norm folded into the convolution before it.

    ``network`` may be a part of one. Equal up to rounding: a spike in 10^4 to 10^5 may move by a
    timestep in float32.
    """
    folded = copy.deepcopy(network).eval()
    for unit in [module for module in folded.modules() if isinstance(module, ConvBN)]:
        convolution, batch_norm = unit
        if not isinstance(batch_norm, nn.BatchNorm2d):
            continue  # none, or one per timestep
        unit[0] = fuse_conv_bn_eval(convolution, batch_norm)  # type: ignore[type-var]
        unit[1] = nn.Identity()
    _channels_last(folded)
    return folded


def _channels_last(network: nn.Module) -> None:
    """Convolutions and batch norm are a quarter to a third faster in this layout on the CPU."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
