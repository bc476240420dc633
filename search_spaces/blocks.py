"""Candidate blocks by name (paper Section 4.1 and Figure 8).

``factory(in_channels, out_channels, stride, neuron)`` makes a block. Input and output are
``[N, C, H, W]`` of one timestep, or ``[T, N, C, H, W]`` in SpikingJelly's multi-step mode (in a
plugin's block only if it is a ``StepModule``).
To add a block, write a class or factory and one ``BLOCKS.add`` line.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from spikingjelly.activation_based import layer
from torch import Tensor, nn

from autosnn_nni.kernels.convolution import can_convolve, convolve
from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.batch_norm import BatchNorm2d
from autosnn_nni.search_spaces.candidate_names import is_reserved
from autosnn_nni.search_spaces.firing import fire, is_watched
from autosnn_nni.search_spaces.layers import AveragePool, ConvBN, MaxPool2d, Pointwise, SpikingConv
from autosnn_nni.search_spaces.neurons import NeuronFactory
from autosnn_nni.search_spaces.own import is_own

BlockFactory = Callable[[int, int, int, NeuronFactory], nn.Module]
BLOCKS: Registry[BlockFactory] = Registry("block", is_reserved)


class SCB(nn.Module):
    """Spiking convolution block: (convolution, batch norm, neuron) twice."""

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
        self.conv1 = ConvBN(in_channels, out_channels, kernel, stride)
        self.neuron1 = neuron()
        self.conv2 = ConvBN(out_channels, out_channels, kernel)
        self.neuron2 = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the block."""
        first = fire(self.neuron1, (x, self.conv1))
        return fire(self.neuron2, (first, self.conv2))


class SRB(SCB):
    """Spiking residual block: an SCB with the input added before its last neuron."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        neuron: NeuronFactory,
        *,
        kernel: int,
    ) -> None:
        super().__init__(in_channels, out_channels, stride, neuron, kernel=kernel)
        self.shortcut = _shortcut(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the block."""
        first = fire(self.neuron1, (x, self.conv1))
        return fire(self.neuron2, (first, self.conv2), (x, self.shortcut))


class SIB(nn.Module):
    """Spiking inverted bottleneck (Section B.3): expand by ``e``, depthwise k x k, project.

    Each of the three convolutions has batch norm and a neuron; at stride 1 the input is added
    before the last neuron, at stride 2 there is no shortcut (MobileNetV2). ``depthwise=False`` uses
    the full convolution of the authors' released code.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        neuron: NeuronFactory,
        *,
        kernel: int,
        expansion: int,
        depthwise: bool = True,
    ) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.expand = ConvBN(in_channels, hidden, 1)
        self.neuron1 = neuron()
        self.conv = ConvBN(hidden, hidden, kernel, stride, groups=hidden if depthwise else 1)
        self.neuron2 = neuron()
        self.project = ConvBN(hidden, out_channels, 1)
        self.neuron3 = neuron()
        self.shortcut = _shortcut(in_channels, out_channels, 1) if stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the block."""
        expanded = fire(self.neuron1, (x, self.expand))
        filtered = fire(self.neuron2, (expanded, self.conv))
        shortcuts = [] if self.shortcut is None else [(x, self.shortcut)]
        return fire(self.neuron3, (filtered, self.project), *shortcuts)


class HalvingSkip(nn.Module):
    """The skip at stride 2: two half-width 1x1 convolutions on grids one pixel apart."""

    def __init__(self, in_channels: int, out_channels: int, neuron: NeuronFactory) -> None:
        super().__init__()
        self.even = Pointwise(in_channels, out_channels // 2, 2)
        self.odd = Pointwise(in_channels, out_channels // 2, 2)
        self.bn = BatchNorm2d(out_channels)
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the block, at half the resolution (rounded up)."""
        return fire(self.neuron, (x, self._halves, self.bn))

    def _halves(self, x: Tensor) -> Tensor:
        halves = (self.even, self.odd)
        plain = all(is_own(one) and one.bias is None and not is_watched(one) for one in halves)
        if can_convolve(x) and plain:  # a 2x2 convolution with zeros, so that it is a single one
            even, odd = F.pad(self.even.weight, (0, 1, 0, 1)), F.pad(self.odd.weight, (1, 0, 1, 0))
            size = [-(-side // 2) for side in x.shape[-2:]]
            return convolve(x, torch.cat([even, odd]), size, stride=2).currents()
        shifted = F.pad(x[..., 1:, 1:], (0, 1, 0, 1))  # so that odd sizes halve like even ones
        return torch.cat([self.even(x), self.odd(shifted)], dim=-3)


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    same = in_channels == out_channels and stride == 1
    return nn.Identity() if same else ConvBN(in_channels, out_channels, 1, stride)


def skip(in_channels: int, out_channels: int, stride: int, neuron: NeuronFactory) -> nn.Module:
    """The identity if the shape allows it, else the cheapest spiking layer that fits."""
    if stride == 2:
        return HalvingSkip(in_channels, out_channels, neuron)
    if in_channels != out_channels:
        return SpikingConv(in_channels, out_channels, 1, neuron, kernel=1)
    return nn.Identity()


def max_pool_block(
    in_channels: int, out_channels: int, stride: int, neuron: NeuronFactory
) -> nn.Module:
    """Max-pool candidate: 2x2 at stride 2, 3x3 at stride 1; a convolution changes the channels.

    At stride 2 odd sizes are rounded up, as in all candidates.
    """
    pool = MaxPool2d(2, ceil_mode=True) if stride == 2 else MaxPool2d(3, 1, 1)
    block = nn.Sequential()
    block.add_module("pool", pool)
    if in_channels != out_channels:
        block.add_module("fit", SpikingConv(in_channels, out_channels, 1, neuron, kernel=1))
    return block


def average_pool_block(
    in_channels: int, out_channels: int, stride: int, neuron: NeuronFactory
) -> nn.Module:
    """Average-pool candidate with a neuron, sized like :func:`max_pool_block`."""
    pool = layer.AvgPool2d(2, ceil_mode=True) if stride == 2 else layer.AvgPool2d(3, 1, 1)
    block = AveragePool(pool, neuron)
    if in_channels != out_channels:
        block.add_module("fit", SpikingConv(in_channels, out_channels, 1, neuron, kernel=1))
    return block


BLOCKS.add("skip", skip)
for _k in (3, 5, 7):
    BLOCKS.add(f"conv_k{_k}", partial(SpikingConv, kernel=_k))
for _k in (3, 5, 7):
    BLOCKS.add(f"SCB_k{_k}", partial(SCB, kernel=_k))
    BLOCKS.add(f"SRB_k{_k}", partial(SRB, kernel=_k))
for _k in (3, 5, 7):
    for _e in (1, 3, 6):
        BLOCKS.add(f"SIB_k{_k}_e{_e}", partial(SIB, kernel=_k, expansion=_e))
        BLOCKS.add(f"SIB_k{_k}_e{_e}_full", partial(SIB, kernel=_k, expansion=_e, depthwise=False))
BLOCKS.add("max_pool", max_pool_block)
BLOCKS.add("average_pool", average_pool_block)

#: The paper's candidate set (Section 4.1).
PAPER_CANDIDATES = ("skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5")
