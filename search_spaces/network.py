"""The spiking network that both the supernet and every stand-alone architecture are."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from autosnn_nni.search_spaces.layers import ConvBN, SpikingConv, VotingLayer


class SpikingNetwork(nn.Module):
    """Stem, named stages and voting layer, unrolled over ``timesteps``.

    Direct encoding: the stem's convolution runs once per image, its neuron at every timestep; of
    event data it sees another frame at every timestep. ``shrink`` x ``shrink`` pixels are averaged
    before it. ``pooled`` computes batch norm's statistics over all timesteps at once
    (SpikingJelly's multi-step mode) instead of per timestep, which is the authors' setting.
    """

    def __init__(
        self,
        stem: SpikingConv,
        stages: nn.ModuleDict,
        fc: VotingLayer,
        timesteps: int,
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

    def forward(self, images: Tensor) -> Tensor:
        """Images ``[N, C, H, W]``, or event frames ``[N, T, C, H, W]``, to votes ``[N, classes]``.

        Votes are means over time.
        """
        try:
            if self.pooled:
                return self._step(self._all_currents(images)).mean(0)
            first, *others = currents = self._currents(images)
            votes = self._step(first)
            for current in others:
                votes = votes + self._step(current)
            return votes / len(currents)
        finally:
            functional.reset_net(self)

    def _currents(self, images: Tensor) -> list[Tensor]:
        """What the stem's neurons get at every timestep, each ``[N, C, H, W]``."""
        if images.dim() == 4:
            return [self._stem_conv(images)] * self.timesteps
        return [self._stem_conv(frames) for frames in images.unbind(1)]

    def _all_currents(self, images: Tensor) -> Tensor:
        """The same as ``[T, N, C, H, W]``, normalised over all timesteps."""
        if images.dim() == 4:
            current = self._stem_conv(images)
            return current.expand(self.timesteps, *current.shape)
        frames = images.transpose(0, 1)
        return self._stem_conv(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])

    def _stem_conv(self, images: Tensor) -> Tensor:
        if self.shrink > 1:
            images = F.avg_pool2d(images, self.shrink)
        current: Tensor = self.stem.conv(images.contiguous(memory_format=torch.channels_last))
        return current

    def _step(self, current: Tensor) -> Tensor:
        x = self.stem.neuron(current)
        for stage in self.stages.values():
            x = stage(x)
        return self.fc(x)


def subnet(supernet: SpikingNetwork, sample: Mapping[str, str]) -> SpikingNetwork:
    """The network of one path through a supernet; its layers are the supernet's own."""
    path: SpikingNetwork = _path(supernet, sample)
    return path


def _path(module: Any, sample: Mapping[str, str]) -> Any:
    """``module``, its TBD blocks replaced by the chosen ones; what holds none is left as it is."""
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


def fold_batch_norm(network: SpikingNetwork) -> SpikingNetwork:
    """A copy in eval mode with every batch norm folded into the convolution before it.

    Equal up to rounding: a spike in 10^4 to 10^5 may move by a timestep in float32.
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
