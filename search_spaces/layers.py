"""Layers of blocks and networks: convolution, pooling and fully connected.

Inputs and outputs are ``[N, ...]`` of one timestep (``[T, N, ...]`` in SpikingJelly's multi-step
mode). Convolutions and fully connected layers have no bias.
"""

from typing import Any

from spikingjelly.activation_based import layer
from torch import Tensor, nn

from autosnn_nni.kernels.convolution import Convolved, can_convolve, connect, convolve
from autosnn_nni.kernels.images import convolve_images
from autosnn_nni.kernels.library import supported
from autosnn_nni.kernels.pooling import max_pool as pool_spikes
from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces.batch_norm import BatchNorm2d
from autosnn_nni.search_spaces.firing import fire
from autosnn_nni.search_spaces.neurons import NeuronFactory
from autosnn_nni.search_spaces.own import is_own

VOTERS = 10


class Conv2d(layer.Conv2d):
    """A convolution; of spikes, its time falls with their number."""

    def convolved(self, x: Tensor) -> Convolved | None:
        """The convolution of ``x``, still to be done by the kernels; none if they can't."""
        return self._convolved(x) if can_convolve(x) and self._is_plain() else None

    def _is_plain(self) -> bool:
        """Whether it is a convolution that the kernels know, with square windows and no bias."""
        squares = (self.kernel_size, self.stride, self.padding)
        return (
            is_own(self)
            and self.bias is None
            and self.padding_mode == "zeros"
            and not isinstance(self.padding, str)
            and self.dilation == (1, 1)
            and all(height == width for height, width in squares)
        )

    def _convolved(self, x: Spikes) -> Convolved:
        (kernel, _), (stride, _), (padding, _) = self.kernel_size, self.stride, self.padding
        size = [(side + 2 * padding - kernel) // stride + 1 for side in x.shape[-2:]]
        options = {"stride": stride, "padding": padding, "groups": self.groups}
        return convolve(x, self.weight, size, **options)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C, H, W]`` to ``[..., out_channels, H', W']``."""
        convolved = self.convolved(x)
        y: Tensor = super().forward(x) if convolved is None else convolved.currents()
        return y

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # The first layer of a network that the kernels train: images need no gradient.
        of_images = weight.requires_grad and not input.requires_grad and self._is_plain()
        if not of_images or not supported(input):
            y: Tensor = super()._conv_forward(input, weight, bias)
            return y
        (stride, _), (padding, _) = self.stride, self.padding
        return convolve_images(input, weight, stride, padding, self.groups)


class Pointwise(Conv2d):
    """A 1x1 convolution of every ``stride``-th pixel.

    The input is subsampled first, because oneDNN 3's strided 1x1 kernel for AVX2 writes out of
    bounds in the backward pass with fewer than 8 channels.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, 1, bias=False)
        self.pixels = stride

    def _convolved(self, x: Spikes) -> Convolved:
        size = [-(-side // self.pixels) for side in x.shape[-2:]]
        return convolve(x, self.weight, size, stride=self.pixels)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C, H, W]`` to ``[..., out_channels, H / stride, W / stride]``, rounded up."""
        if self.convolved(x) is None:
            x = x[..., :: self.pixels, :: self.pixels]
        return super().forward(x)


class ConvBN(nn.Sequential):
    """Convolution that keeps the resolution (divided by the stride), then batch norm."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        if kernel == 1:
            conv = Pointwise(in_channels, out_channels, stride)
        else:
            conv = Conv2d(
                in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
            )
        super().__init__(conv, BatchNorm2d(out_channels))


class SpikingConv(nn.Module):
    """Convolution, batch norm and neuron."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        neuron: NeuronFactory,
        *,
        kernel: int,
    ) -> None:
        super().__init__()
        self.conv = ConvBN(in_channels, out_channels, kernel, stride)
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the layer."""
        return fire(self.neuron, (x, self.conv))


class MaxPool2d(layer.MaxPool2d):
    """A max-pool whose outputs are spikes if its inputs are."""

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C, H, W]`` to ``[..., C, H', W']``."""
        sizes = (self.kernel_size, self.stride, self.padding)
        squares = all(isinstance(size, int) for size in sizes) and self.dilation == 1
        if isinstance(x, Spikes) and squares and not self.return_indices:
            return pool_spikes(x, *sizes, self.ceil_mode)
        y: Tensor = super().forward(x)
        return y


class Linear(nn.Linear):
    """A fully connected layer without bias."""

    def convolved(self, x: Tensor) -> Convolved | None:
        """See :class:`Conv2d`."""
        is_plain = is_own(self) and self.bias is None
        return connect(x, self.weight) if can_convolve(x) and is_plain else None

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C, H, W]`` to ``[..., out_features]``."""
        convolved = self.convolved(x)
        return super().forward(x.flatten(-3)) if convolved is None else convolved.currents()


def max_pool() -> nn.Module:
    """Make a pool that halves the resolution; its outputs are spikes if its inputs are."""
    return MaxPool2d(2)


def sum_pool() -> nn.Module:
    """Make a pool that halves the resolution; all spikes of a window are passed on."""
    return layer.AvgPool2d(2, divisor_override=1)


def mean_pool() -> nn.Module:
    """Make a pool that halves the resolution; its outputs are averages."""
    return layer.AvgPool2d(2)


class AveragePool(nn.Sequential):
    """A pool, and a neuron that turns its averages into spikes.

    The neuron may get sums instead: see :func:`add_up_averages`.
    """

    def __init__(self, pool: nn.Module, neuron: NeuronFactory) -> None:
        super().__init__()
        self.pool: Any = pool
        self.neuron = neuron()


def average_pool(neuron: NeuronFactory) -> nn.Module:
    """Make a pool that halves the resolution; a neuron turns the averages into spikes."""
    return AveragePool(mean_pool(), neuron)


class GlobalAveragePool(nn.Module):
    """Averages each channel; a neuron turns the averages into spikes (SNN_2).

    With ``sums`` the neuron gets sums: see :func:`add_up_averages`.
    """

    def __init__(self, neuron: NeuronFactory) -> None:
        super().__init__()
        self.neuron = neuron()
        self.sums = False

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C, H, W]`` to spikes ``[..., C, 1, 1]``."""
        sides = (-2, -1)
        return self.neuron(x.sum(sides, True) if self.sums else x.mean(sides, True))


def add_up_averages(network: nn.Module) -> None:
    """Charge leaky neurons behind average pools with the sum of a window, not with its average.

    ``h = v + (x - v) / tau`` tends to x. An average of spikes is at most 1, so h would reach the
    threshold of 1 only by rounding. A sum is the same as a threshold divided by the window's size.
    A user's blocks are left as they are.
    """
    for unit in network.modules():
        if not getattr(getattr(unit, "neuron", None), "decay_input", False):
            continue
        if isinstance(unit, GlobalAveragePool):
            unit.sums = True
        elif isinstance(unit, AveragePool):
            unit.pool.divisor_override = 1


class SpikingLinear(nn.Module):
    """A fully connected layer with neurons."""

    def __init__(self, features: int, outputs: int, neuron: NeuronFactory) -> None:
        super().__init__()
        self.linear = Linear(features, outputs, bias=False)
        self.norm: nn.Module = nn.Identity()
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C, H, W]`` to spikes ``[..., outputs, 1, 1]``."""
        spikes = fire(self.neuron, (x, self.linear, self.norm))
        return spikes[..., None, None]


class VotingLayer(nn.Module):
    """Fully connected layer of 10 neurons per class, whose spikes are averaged (Section 3).

    ``voters`` is another number of neurons per class.
    """

    def __init__(
        self, features: int, classes: int, neuron: NeuronFactory, voters: int = VOTERS
    ) -> None:
        super().__init__()
        self.voters = voters
        self.norm: nn.Module = nn.Identity()
        self.linear = Linear(features, classes * voters, bias=False)
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C, H, W]`` to votes ``[..., classes]`` in [0, 1]."""
        if not isinstance(self.norm, nn.Identity):
            x = self.norm(x.flatten(-3)).unflatten(-1, x.shape[-3:])
        spikes = fire(self.neuron, (x, self.linear))
        return spikes.unflatten(-1, (-1, self.voters)).mean(-1)
