"""Synaptic operations: for every spike, the number of weights that it meets.

A spike adds one weight to the current of each neuron that it reaches: an accumulate (AC), where a
network without spikes multiplies and accumulates (MAC). At the border of an image a spike reaches
fewer neurons. Example: a 3x3 convolution with padding 1 and 2 output channels; a spike in the
corner costs 4 x 2 = 8 operations, one in the centre 9 x 2 = 18. A fully connected layer costs one
for each of its outputs.

Counted are all convolutions and fully connected layers whose inputs are spikes. Not counted are
those that get other numbers: the stem (pixels, or numbers of events), layers behind an average pool
that passes averages on, and a fully connected layer behind batch norm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input
from torch.utils.hooks import RemovableHandle

from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces.firing import look_at_input
from autosnn_nni.search_spaces.layers import Pointwise, VotingLayer
from autosnn_nni.search_spaces.spikes import layer_name
from autosnn_nni.search_spaces.watch import Watch


def synaptic_operations(layer: nn.Conv2d | nn.Linear, spikes: Tensor) -> float:
    """The operations of ``spikes`` ``[..., C, H, W]``; a fully connected layer's have any shape."""
    if isinstance(layer, nn.Linear):
        return layer.out_features * float(spikes.sum(dtype=torch.float64))
    height, width = spikes.shape[-2:]
    windows = _windows(*_geometry(layer), (height, width)).to(spikes.device)
    return layer.out_channels // layer.groups * float((_by_pixel(spikes) * windows).sum())


def _name(path: str) -> str:
    """``block1.conv`` of ``stages.block1.conv.0``, whose batch norm is ``conv.1``."""
    return layer_name(path.removesuffix(".0"))


def _by_pixel(spikes: Tensor) -> Tensor:
    """Number of spikes at each pixel ``[H, W]``, over all channels, images and timesteps."""
    if isinstance(spikes, Spikes):
        timesteps, samples, *inner = spikes.bits.shape
        counts = np.bitwise_count(spikes.bits.numpy()).reshape(timesteps * samples, -1)
        # Over one axis at a time: numpy takes thirty times as long for several.
        counts = np.add.reduce(counts, 0, dtype=np.uint32).reshape(inner).sum(1)
        return torch.from_numpy(counts.astype(np.float64)).view(spikes.shape[-2:])
    return spikes.flatten(0, -3).sum(0, dtype=torch.float64)


def _geometry(layer: Any) -> tuple[tuple[int, int], ...]:
    """Kernel, stride, padding and dilation."""
    stride = (layer.pixels,) * 2 if isinstance(layer, Pointwise) else layer.stride
    return layer.kernel_size, stride, layer.padding, layer.dilation


@cache
def _windows(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    size: tuple[int, int],
) -> Tensor:
    """How many of a convolution's windows cover each pixel: float64 ``[H, W]``."""
    ones = torch.ones(1, 1, *kernel, dtype=torch.float64)
    outputs = F.conv2d(ones.new_zeros(1, 1, *size), ones, None, stride, padding, dilation)
    shape = (1, 1, *size)
    return conv2d_input(shape, ones, torch.ones_like(outputs), stride, padding, dilation)[0, 0]


@dataclass(frozen=True)
class LayerOperations:
    """Synaptic ``operations`` of a layer, per image, summed over all timesteps."""

    name: str
    operations: float


class SynapticOperations(Watch):
    """Counts synaptic operations; used as a context manager."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self._totals: dict[str, float] = {}
        self._averages: Tensor | None = None
        self._images = 0

    def _watch(self) -> Iterator[RemovableHandle]:
        network: Any = self.network
        yield network.register_forward_pre_hook(self._count_images)
        for path, layer in network.named_modules():
            if isinstance(layer, nn.AvgPool2d):
                yield layer.register_forward_hook(self._remember)
            elif isinstance(layer, nn.Conv2d | nn.Linear) and not self._gets_numbers(path):
                yield look_at_input(layer, partial(self._count, _name(path)))

    def _gets_numbers(self, path: str) -> bool:
        """Whether a layer's inputs are never spikes."""
        network: Any = self.network
        parent = network.get_submodule(path.rpartition(".")[0])
        normed = isinstance(parent, VotingLayer) and not isinstance(parent.norm, nn.Identity)
        return normed or path.startswith("stem.")

    def _count_images(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._images += len(inputs[0])

    def _remember(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self._averages = output

    def _count(self, name: str, layer: Any, inputs: tuple[Tensor, ...]) -> None:
        (x,) = inputs
        if x is not self._averages:
            total = self._totals.get(name, 0.0)
            self._totals[name] = total + synaptic_operations(layer, x.detach())

    @property
    def operations(self) -> float:
        """Synaptic operations per image."""
        return sum(self._totals.values()) / self._images

    def layers(self) -> list[LayerOperations]:
        """Every layer that got spikes, in network order."""
        return [LayerOperations(name, total / self._images) for name, total in self._totals.items()]
