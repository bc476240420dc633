"""Count operations. All counting is done in this module.

A spike adds one weight to the current of each neuron that it reaches: a synaptic operation, or
accumulate (AC). At the border of an image a spike reaches fewer neurons. Example: a 3x3 convolution
with padding 1 and 2 output channels; a spike in the corner costs 4 x 2 = 8 operations, one in the
centre 9 x 2 = 18. A fully connected layer costs one for each of its outputs.

Layers that get other numbers multiply them first: multiply-accumulates (MAC), counted in the same
way for every input that is not 0. These are the stem (pixels, or numbers of events), layers behind
an average pool that passes averages on, a fully connected layer behind batch norm, and all layers
of a ReLU network. Of other layers, such as those of a user's block, the inputs tell: spikes and
their sums are whole numbers from 0 on. The stem runs once for an image, and for events at every
timestep. What adding padding would cost is not counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial, reduce
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv1d_input
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.utils.hooks import RemovableHandle

from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces.firing import look_at_input
from autosnn_nni.search_spaces.layers import Pointwise, VotingLayer
from autosnn_nni.search_spaces.spikes import are_spikes, is_spiking, layer_names
from autosnn_nni.search_spaces.watch import Watch

#: Layers whose operations are counted.
COUNTED = _ConvNd | nn.Linear


def synaptic_operations(layer: _ConvNd | nn.Linear, spikes: Tensor) -> float:
    """The operations of ``spikes`` ``[..., C, H, W]``; a fully connected layer's have any shape.

    Convolutions of one and of three dimensions have as many sides, transposed ones the same.
    """
    return float(_operations(layer, spikes))


def _operations(layer: Any, spikes: Tensor) -> Tensor:
    """The same, on the device of ``spikes``: counting never waits for a GPU."""
    if isinstance(layer, nn.Linear):
        return layer.out_features * spikes.sum(dtype=torch.float64)
    size = spikes.shape[-len(layer.kernel_size) :]
    windows = _windows(layer, size).to(spikes.device)
    return layer.out_channels // layer.groups * (_by_pixel(spikes, len(size)) * windows).sum()


def _by_pixel(spikes: Tensor, sides: int) -> Tensor:
    """Number of spikes at each pixel ``[H, W]``, over all channels, images and timesteps."""
    if isinstance(spikes, Spikes):
        timesteps, samples, *inner = spikes.bits.shape
        counts = np.bitwise_count(spikes.bits.numpy()).reshape(timesteps * samples, -1)
        # Over one axis at a time: numpy takes thirty times as long for several.
        counts = np.add.reduce(counts, 0, dtype=np.uint32).reshape(inner).sum(1)
        return torch.from_numpy(counts.astype(np.float64)).view(spikes.shape[-2:])
    return spikes.flatten(0, -sides - 1).sum(0, dtype=torch.float64)


def _windows(layer: Any, size: Sequence[int]) -> Tensor:
    """How many of a layer's outputs, of one channel, each pixel reaches: float64 ``[H, W]``."""
    along = _reached_from if isinstance(layer, _ConvTransposeNd) else _covered
    return _outer(along(layer, side, length) for side, length in enumerate(size))


def _covered(layer: Any, side: int, length: int) -> Tensor:
    stride = layer.pixels if isinstance(layer, Pointwise) else layer.stride[side]
    # Numbers also for "same" and "valid"; the last side comes first.
    before = 2 * (len(layer.kernel_size) - 1 - side)
    padding = tuple(layer._reversed_padding_repeated_twice[before : before + 2])
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return windows_along(
        layer.kernel_size[side], stride, padding, layer.dilation[side], length, mode
    )


def _reached_from(layer: Any, side: int, length: int) -> Tensor:
    """Of a transposed convolution: windows over its outputs are what its inputs reach."""
    kernel, stride, padding, dilation, more = (
        getattr(layer, name)[side]
        for name in ("kernel_size", "stride", "padding", "dilation", "output_padding")
    )
    outputs = (length - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + more
    taken = torch.ones(1, 1, outputs, dtype=torch.float64)
    ones = torch.ones(1, 1, kernel, dtype=torch.float64)
    return F.conv1d(taken, ones, None, stride, padding, dilation).flatten()[:length]


def windows_over(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int],
    size: tuple[int, int],
) -> Tensor:
    """How many of a convolution's windows cover each pixel: float64 ``[H, W]``.

    ``padding`` is that of the left, right, top and bottom.
    """
    sides = zip(kernel, stride, (padding[2:], padding[:2]), dilation, size, strict=True)
    return _outer(windows_along(*side) for side in sides)


def _outer(sides: Iterable[Tensor]) -> Tensor:
    return reduce(lambda found, side: found[..., None] * side, sides)


@cache
def windows_along(
    kernel: int,
    stride: int,
    padding: tuple[int, int],
    dilation: int,
    length: int,
    mode: str = "constant",
) -> Tensor:
    """How many windows cover each pixel along one side: float64 ``[length]``.

    ``mode`` is that of ``torch``'s ``pad``.
    """
    numbered = torch.arange(1, length + 1, dtype=torch.float64).view(1, 1, -1)  # 0 is padding
    padded = F.pad(numbered, padding, mode)
    ones = torch.ones(1, 1, kernel, dtype=torch.float64)
    outputs = F.conv1d(padded, ones, None, stride, 0, dilation)
    covered = conv1d_input(padded.shape, ones, torch.ones_like(outputs), stride, 0, dilation)
    pixels = padded.flatten().long()
    return torch.bincount(pixels, covered.flatten(), length + 1)[1:]


@dataclass(frozen=True)
class LayerOperations:
    """Operations of a layer with weights, per image, summed over all timesteps.

    ``dense`` are those that it would have if no input were 0; ``parameters`` are its weights.
    """

    name: str
    synops: float
    macs: float
    dense: float
    parameters: int


@dataclass
class _Total:
    """What was counted of a layer, for all images."""

    parameters: int
    synops: Tensor | float = 0.0
    macs: Tensor | float = 0.0
    dense: float = 0.0


class OperationCounter(Watch):
    """Counts operations; used as a context manager.

    For a part of a network, ``spiking`` tells whether the whole one has spiking neurons.
    """

    def __init__(self, network: nn.Module, *, spiking: bool | None = None) -> None:
        super().__init__(network)
        self._spiking = is_spiking(network) if spiking is None else spiking
        self._totals: dict[str, _Total] = {}
        self._given: Sequence[Tensor] = ()
        self._averages: Tensor | None = None
        self._images = 0

    def _watch(self) -> Iterator[RemovableHandle]:
        network: Any = self.network
        yield network.register_forward_pre_hook(self._count_images)
        for layer in network.modules():
            if isinstance(layer, nn.AvgPool2d) and layer.divisor_override != 1:
                yield layer.register_forward_hook(self._remember)
        layers = {
            path: layer for path, layer in network.named_modules() if isinstance(layer, COUNTED)
        }
        # A convolution is the first of two: its batch norm is the other.
        for path, name in layer_names(layers, (".0", ".neuron", ".layers")).items():
            numbers = not self._spiking or self._gets_numbers(path)
            yield look_at_input(layers[path], partial(self._count, name, numbers))

    def _gets_numbers(self, path: str) -> bool:
        """Whether a layer's inputs are never spikes."""
        network: Any = self.network
        parent = network.get_submodule(path.rpartition(".")[0])
        normed = isinstance(parent, VotingLayer) and not isinstance(parent.norm, nn.Identity)
        return normed or path.removeprefix("network.").startswith(("stem.", "encoder."))

    def _count_images(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._images += len(inputs[0])

    def _remember(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self._averages = output

    def _count(self, name: str, numbers: bool, layer: Any, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].detach()
        total = self._totals.setdefault(name, _Total(layer.weight.numel()))
        total.dense += _dense(layer, x)
        if numbers or self.is_average(inputs[0]):
            total.macs += _operations(layer, x != 0)
        elif isinstance(x, Spikes):
            total.synops += _operations(layer, x)
        else:
            spikes = are_spikes(x)
            total.synops += _operations(layer, torch.where(spikes, x, 0))
            total.macs += _operations(layer, (x != 0) & ~spikes)

    def is_average(self, x: Tensor) -> bool:
        """Whether ``x`` is the last output of an average pool, or was said to be an average."""
        return x is self._averages or any(x is one for one in self._given)

    def take_for_averages(self, inputs: Sequence[Tensor]) -> None:
        """Say that these inputs of a part are averages of spikes."""
        self._given = inputs

    def take(self) -> tuple[Tensor | float, Tensor | float]:
        """Synaptic operations and multiply-accumulates of all images since the last call."""
        totals = list(self._totals.values())
        self._totals.clear()
        return sum(one.synops for one in totals), sum(one.macs for one in totals)

    @property
    def synops(self) -> float:
        """Synaptic operations (AC) per image."""
        return float(sum(total.synops for total in self._totals.values())) / self._images

    @property
    def macs(self) -> float:
        """Multiply-accumulates per image."""
        return float(sum(total.macs for total in self._totals.values())) / self._images

    def layers(self) -> list[LayerOperations]:
        """Every layer with weights, in the order in which they were called first."""
        images = self._images
        return [
            LayerOperations(
                name,
                float(total.synops) / images,
                float(total.macs) / images,
                total.dense / images,
                total.parameters,
            )
            for name, total in self._totals.items()
        ]


def _dense(layer: Any, x: Tensor) -> float:
    """The operations of an input ``[..., C, H, W]`` without zeros."""
    if isinstance(layer, nn.Linear):
        return float(layer.out_features * x.numel())
    size = x.shape[-len(layer.kernel_size) :]
    windows = _windows(layer, size)
    return layer.out_channels // layer.groups * (x.numel() // size.numel()) * float(windows.sum())
