"""The spiking network that both the supernet and every stand-alone architecture are."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Self, TypeVar

import torch
import torch.nn.functional as F
from spikingjelly.activation_based import base, functional
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights

from autosnn_nni.search_spaces.batch_norm import PerTimestep
from autosnn_nni.search_spaces.cell import Operation
from autosnn_nni.search_spaces.layers import ConvBN, SpikingConv, VotingLayer

AModule = TypeVar("AModule", bound=nn.Module)

#: Devices on which networks run layer by layer, every layer over all timesteps at once: launching a
#: kernel costs more there than memory does. Elsewhere they run timestep by timestep.
MULTI_STEP_DEVICES = ("cuda",)

#: Whose modules take all timesteps at once, and torch's own that do.
_PACKAGES = ("autosnn_nni", "nni", "spikingjelly")
_ANY_SHAPE = nn.Sequential | nn.ModuleDict | nn.Identity | nn.ReLU | nn.Linear


class Encoder(nn.Module):
    """What the stem's neurons get of images, by the stem's convolution ``conv``.

    Direct encoding: the convolution runs once per image, for all ``timesteps``; of event data it
    sees another frame at every timestep. ``shrink`` x ``shrink`` pixels are averaged before it.
    """

    def __init__(self, conv: nn.Module, timesteps: int, *, multi_step: bool, shrink: int) -> None:
        super().__init__()
        self.conv = conv
        self.timesteps = timesteps
        self.multi_step = multi_step
        self.shrink = shrink

    def forward(self, images: Tensor) -> list[Tensor]:
        """Currents ``[N, C, H, W]`` for every timestep; ``multi_step``, one ``[T, N, C, H, W]``.

        Of images ``[N, C, H, W]``, or event frames ``[N, T, C, H, W]``.
        """
        if images.dim() == 4:
            current = self._convolved(images)
            if self.multi_step:
                return [current.expand(self.timesteps, *current.shape)]
            return [current] * self.timesteps
        frames = images.transpose(0, 1)
        return [self._convolved(frames)] if self.multi_step else list(map(self._convolved, frames))

    def _convolved(self, images: Tensor) -> Tensor:
        """Of ``[N, C, H, W]``, or of frames ``[T, N, C, H, W]``."""
        functional.set_step_mode(self.conv, "s" if images.dim() == 4 else "m")
        before = images.shape[:-3]
        images = images.flatten(0, -4)
        if self.shrink > 1:
            images = F.avg_pool2d(images, self.shrink)
        images = images.contiguous(memory_format=torch.channels_last).unflatten(0, before)
        current: Tensor = self.conv(images)
        return current


class SpikingNetwork(nn.Module):
    """Stem, named stages and voting layer, unrolled over ``timesteps``.

    ``pooled`` computes batch norm's statistics over all timesteps together instead of per timestep,
    which is the authors' setting. For ``shrink`` see :class:`Encoder`.

    ``multi_step`` networks run layer by layer instead of timestep by timestep, with equal results:
    those that are pooled, and those on a GPU whose layers can.
    """

    multi_step: bool

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
        for module in self.modules():
            if isinstance(module, PerTimestep):
                module.pooled = pooled
        _channels_last(self)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What moves a module to a device or a memory layout, after which its mode is chosen."""
        super()._apply(fn, recurse)
        self.multi_step = self.pooled or (
            self.fc.linear.weight.device.type in MULTI_STEP_DEVICES
            and all(map(_takes_all_timesteps, self.modules()))
        )
        functional.set_step_mode(self, "m" if self.multi_step else "s")
        return self

    @property
    def encoder(self) -> Encoder:
        """What comes before the stem's neurons."""
        conv = self.stem.conv
        return Encoder(conv, self.timesteps, multi_step=self.multi_step, shrink=self.shrink)

    def forward(self, images: Tensor) -> Tensor:
        """Images ``[N, C, H, W]``, or event frames ``[N, T, C, H, W]``, to votes ``[N, classes]``.

        Votes are means over time.
        """
        try:
            return mean_votes(map(self._step, self.encoder(images)), multi_step=self.multi_step)
        finally:
            functional.reset_net(self)

    def _step(self, current: Tensor) -> Tensor:
        x = self.stem.neuron(current)
        for stage in self.stages.values():
            x = stage(x)
        return self.fc(x)


def mean_votes(steps: Iterable[Tensor], *, multi_step: bool) -> Tensor:
    """The mean over time of votes ``[N, classes]`` a step, or of one ``[T, N, classes]``."""
    total, *others = steps
    if multi_step:
        return total.mean(0)
    for votes in others:
        total = total + votes
    return total / (1 + len(others))


def _takes_all_timesteps(module: nn.Module) -> bool:
    """Whether a module's forward may be given ``[T, N, ...]``.

    SpikingJelly's and the package's own are; those of a user's block may be written for one
    timestep alone, unless they are a ``StepModule``. A connection to the next timestep needs all
    layers in between, and SpikingJelly's own batch norm would pool.
    """
    if isinstance(module, Operation):
        return not module.backward
    if isinstance(module, _BatchNorm):
        return isinstance(module, PerTimestep)
    package = type(module).__module__.partition(".")[0]
    return package in _PACKAGES or isinstance(module, base.StepModule | _ANY_SHAPE)


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


class Folded(Generic[AModule]):
    """A copy in eval mode, ``module``, with every batch norm folded into the convolution before it.

    ``network`` may be a part of one. Equal up to rounding: a spike in 10^4 to 10^5 may move by a
    timestep in float32. After ``network``'s statistics have changed it can be folded again, which
    takes a hundredth of the time of another copy.
    """

    def __init__(self, network: AModule) -> None:
        self.module = copy.deepcopy(network).eval()
        self._units: list[tuple[Any, Any]] = []
        for path, unit in list(self.module.named_modules()):
            # Others have no batch norm, or one per timestep.
            if isinstance(unit, ConvBN) and isinstance(unit[1], nn.BatchNorm2d):
                unit[1] = nn.Identity()
                self._units.append((network.get_submodule(path), unit[0]))
        self._norms: list[tuple[Any, Any]] = [
            (network.get_submodule(path), norm)
            for path, norm in self.module.named_modules()
            if isinstance(norm, _BatchNorm)
        ]
        _channels_last(self.module)
        self.fold()

    def fold(self) -> None:
        """Take over what batch norm's statistics are now."""
        for (conv, norm), folded in self._units:
            statistics = norm.running_mean, norm.running_var, norm.eps
            folded.weight, folded.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, *statistics, norm.weight, norm.bias
            )
            _channels_last(folded)
        for norm, own in self._norms:
            own.running_mean, own.running_var = norm.running_mean, norm.running_var


def fold_batch_norm(network: AModule) -> AModule:
    """The copy of :class:`Folded`."""
    return Folded(network).module


def _channels_last(network: nn.Module) -> None:
    """Convolutions and batch norm are a quarter to a third faster in this layout on the CPU."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
