"""The spiking network, used for the supernet and for every stand-alone architecture."""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Generic, Self, TypeVar

import torch
import torch.nn.functional as F
from spikingjelly.activation_based import base, functional
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights

from autosnn_nni.kernels.library import supported
from autosnn_nni.search_spaces.batch_norm import OfOneTimestep, PerTimestep
from autosnn_nni.search_spaces.cell import Operation
from autosnn_nni.search_spaces.layers import ConvBN, SpikingConv, VotingLayer
from autosnn_nni.search_spaces.neurons import SpikingNeuron
from autosnn_nni.search_spaces.own import PACKAGE, is_own, package_of

AModule = TypeVar("AModule", bound=nn.Module)

#: Devices on which networks run layer by layer, each layer over all timesteps at once, because
#: launching a kernel costs more there than memory does.
MULTI_STEP_DEVICES = ("cuda",)

#: Packages whose modules accept all timesteps at once, and torch's modules that do.
_PACKAGES = (PACKAGE, "nni", "spikingjelly")
_ANY_SHAPE = (nn.Sequential, nn.ModuleDict, nn.ModuleList, nn.Identity, nn.ReLU, nn.Linear)


class Timesteps(nn.Module):
    """Direct encoding: repeats an image's current at each of ``count`` timesteps.

    It is a module so that timesteps can be searched like blocks.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, current: Tensor) -> list[Tensor]:
        """Return the same ``current`` for every timestep."""
        return [current] * self.count


class Encoder(nn.Module):
    """Computes the input currents of the stem's neurons with the stem's convolution ``conv``.

    Images use direct encoding: the convolution runs once per image, for all ``timesteps``. Event
    data has another frame at every timestep. ``shrink`` x ``shrink`` pixels are averaged first.
    """

    def __init__(
        self, conv: nn.Module, timesteps: nn.Module, *, multi_step: bool, shrink: int
    ) -> None:
        super().__init__()
        self.conv = conv
        self.timesteps = timesteps
        self.multi_step = multi_step
        self.shrink = shrink

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images ``[N, C, H, W]`` or event frames ``[N, T, C, H, W]`` to a list of currents.

        The list has one ``[N, C, H, W]`` per timestep; with ``multi_step`` a single
        ``[T, N, C, H, W]``.
        """
        if images.dim() == 4:
            current = self._convolved(images)
            steps: list[Tensor] = self.timesteps(current)
            return [current.expand(len(steps), *current.shape)] if self.multi_step else steps
        frames = images.transpose(0, 1)
        return [self._convolved(frames)] if self.multi_step else list(map(self._convolved, frames))

    def _convolved(self, images: Tensor) -> Tensor:
        """Convolve ``[N, C, H, W]``, or frames ``[T, N, C, H, W]``, in the weights' type."""
        functional.set_step_mode(self.conv, "s" if images.dim() == 4 else "m")
        leading = images.shape[:-3]
        images = images.flatten(0, -4).to(next(self.conv.parameters()).dtype)
        if self.shrink > 1:
            images = F.avg_pool2d(images, self.shrink)
        images = images.contiguous(memory_format=torch.channels_last).unflatten(0, leading)
        current: Tensor = self.conv(images)
        return current


class SpikingNetwork(nn.Module):
    """Stem, named stages and voting layer, unrolled over ``timesteps``.

    ``pooled`` computes batch norm statistics over all timesteps together; the authors' setting is
    per timestep. For ``shrink`` see :class:`Encoder`.

    ``multi_step`` networks run layer by layer instead of timestep by timestep, with equal results.
    These are pooled networks, and those that the kernels or a GPU run, if all their layers support
    it.

    ``alone`` are the names of blocks whose architectures can't be scored together with others.
    """

    multi_step: bool

    def __init__(
        self,
        stem: SpikingConv,
        stages: nn.ModuleDict,
        fc: VotingLayer,
        timesteps: nn.Module,
        *,
        pooled: bool = False,
        shrink: int = 1,
        alone: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self.alone = alone
        self.stem = stem
        self.stages = stages
        self.fc = fc
        self.timesteps = timesteps
        self.pooled = pooled
        self.shrink = shrink
        for module in self.modules():
            if isinstance(module, PerTimestep):
                module.pooled = pooled
        channels_last(self)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move the network to a device or memory layout, then choose its step mode."""
        super()._apply(fn, recurse)
        weight = self.fc.linear.weight
        by_kernels = isinstance(self.fc.neuron, SpikingNeuron) and supported(weight)
        self.multi_step = self.pooled or (
            (by_kernels or weight.device.type in MULTI_STEP_DEVICES)
            and all(map(takes_all_timesteps, self.modules()))
        )
        functional.set_step_mode(self, "m" if self.multi_step else "s")
        return self

    @property
    def encoder(self) -> Encoder:
        """The encoder in front of the stem's neurons."""
        conv = self.stem.conv
        return Encoder(conv, self.timesteps, multi_step=self.multi_step, shrink=self.shrink)

    @property
    def parameter_count(self) -> int:
        """The number of all values that are trained."""
        return sum(one.numel() for one in self.parameters())

    def steps(self, images: Tensor) -> int:
        """The number of timesteps for these images or event frames."""
        timesteps: Any = self.timesteps
        count: int = images.shape[1] if images.dim() == 5 else timesteps.count
        return count

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``[N, C, H, W]`` or event frames ``[N, T, C, H, W]`` to votes.

        Votes ``[N, classes]`` are means over time.
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
    """Average votes over time: ``[N, classes]`` per step, or a single ``[T, N, classes]``."""
    total, *others = steps
    if multi_step:
        return total.mean(0)
    for votes in others:
        total = total + votes
    return total / (1 + len(others))


def takes_all_timesteps(module: nn.Module) -> bool:
    """Whether a module's forward accepts ``[T, N, ...]``.

    Modules of SpikingJelly and of this package do. Those of a user's block may be written for a
    single timestep, unless they are a ``StepModule``, or have the forward of a torch module that
    does. Exceptions: a connection to the next timestep needs all layers in between, SpikingJelly's
    own batch norm would pool over time, and a user's ``MemoryModule`` may have a single step only.
    """
    if isinstance(module, Operation):
        return not module.backward
    if isinstance(module, _BatchNorm):
        return isinstance(module, PerTimestep | OfOneTimestep)
    if package_of(type(module)) in _PACKAGES:
        return True
    if isinstance(module, base.StepModule):
        return not _takes_one_timestep(type(module))
    kinds = [kind for kind in _ANY_SHAPE if isinstance(module, kind)]
    return any(type(module).forward is kind.forward for kind in kinds)


def _takes_one_timestep(kind: type[nn.Module]) -> bool:
    """Whether a user has written a single step only, which SpikingJelly's steps don't call."""
    if not issubclass(kind, base.MemoryModule) or kind.forward is not base.MemoryModule.forward:
        return False
    one, every = (_package_with(kind, f"{name}_step_forward") for name in ("single", "multi"))
    return one not in _PACKAGES and every == "spikingjelly"


def _package_with(kind: type[nn.Module], name: str) -> str:
    """The package of the class that defines a method."""
    return package_of(next(one for one in kind.__mro__ if name in vars(one)))


def subnet(supernet: SpikingNetwork, sample: Mapping[str, str]) -> SpikingNetwork:
    """Return the network of one path through a supernet; it shares the supernet's layers."""
    path: SpikingNetwork = _path(supernet, sample)
    return path


def _path(module: Any, sample: Mapping[str, str]) -> Any:
    """Replace the choices in ``module`` by the chosen blocks; share modules without choices."""
    children = {
        name: child[sample[name]] if is_choice(name, child, sample) else _path(child, sample)
        for name, child in module.named_children()
    }
    if all(children[name] is child for name, child in module.named_children()):
        return module
    path = copy.copy(module)
    path._modules = children
    return path


def is_choice(name: str, module: nn.Module, labels: Collection[str]) -> bool:
    """Whether ``module`` is one of the choices ``labels``; layers for each timestep are a list."""
    return name in labels and not isinstance(module, nn.ModuleList)


def path_weights(weights: Mapping[str, Tensor], sample: Mapping[str, str]) -> dict[str, Tensor]:
    """Extract the state dict of one path's stand-alone network from that of a supernet."""
    path: dict[str, Tensor] = {}
    for name, value in weights.items():
        parts = name.split(".")
        places = range(len(parts) - 1)
        # As in is_choice: in a list, a number comes after the name.
        tbd = next((i for i in places if parts[i] in sample and not parts[i + 1].isdigit()), None)
        if tbd is None:
            path[name] = value
        elif parts.pop(tbd + 1) == sample[parts[tbd]]:
            path[".".join(parts)] = value
    return path


class Folded(Generic[AModule]):
    """An eval-mode copy, ``module``, with each batch norm folded into the convolution before it.

    ``network`` may be a part of a network. Results are equal up to rounding: in float32 one spike
    in 10^4 to 10^5 may move by a timestep. When ``network``'s statistics have changed, call
    :meth:`fold` again, which takes a fiftieth of the time of a new copy.
    """

    def __init__(self, network: AModule) -> None:
        self.module = _copied(network).eval()
        self._units: list[tuple[Any, Any]] = []
        for path, unit in list(self.module.named_modules()):
            if isinstance(unit, ConvBN) and _can_be_folded(unit[0], unit[1]):
                unit[1] = nn.Identity()
                self._units.append((network.get_submodule(path), unit[0]))
        self._norms: list[tuple[Any, Any]] = [
            (network.get_submodule(path), norm)
            for path, norm in self.module.named_modules()
            if isinstance(norm, _BatchNorm)
        ]
        channels_last(self.module)
        self.fold()

    def fold(self) -> None:
        """Fold the current batch norm statistics."""
        for (conv, norm), folded in self._units:
            statistics = norm.running_mean, norm.running_var, norm.eps
            folded.weight, folded.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, *statistics, norm.weight, norm.bias
            )
            channels_last(folded)
        for norm, own in self._norms:
            own.running_mean, own.running_var = norm.running_mean, norm.running_var


def _copied(network: AModule) -> AModule:
    """A deep copy; ``deepcopy`` alone is slow with the many empty dictionaries of modules."""
    values = (value for module in network.modules() for value in vars(module).values())
    empty = {id(value): value.copy() for value in values if isinstance(value, dict) and not value}
    return copy.deepcopy(network, empty)


def _can_be_folded(conv: nn.Module, norm: nn.Module) -> bool:
    """Not if there is none, one per timestep, or one that costs the neurons' kernel nothing.

    Nor if the convolution's weight is no parameter: pruning computes it before each call.
    """
    if not is_own(conv) or "weight" not in conv._parameters:
        return False
    if not isinstance(norm, nn.BatchNorm2d) or not is_own(norm):
        return False
    return getattr(norm, "step_mode", "s") == "s" or not supported(norm.weight)


def fold_batch_norm(network: AModule) -> AModule:
    """Return a folded copy of ``network``; see :class:`Folded`."""
    return Folded(network).module


def channels_last(network: nn.Module) -> None:
    """Convolutions and batch norm are a quarter to a third faster in this layout on the CPU."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
