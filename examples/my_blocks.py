"""A plugin with a custom block and a custom macro architecture.

autosnn search --plugin examples/my_blocks.py --space small --candidates skip,wide,SRB_k3
"""

from torch import Tensor, nn

from autosnn_nni.search_spaces import BLOCKS, MACROS, TBD, Macro, NeuronFactory, Pool


class Wide(nn.Module):
    """One 7x7 convolution with batch norm and a neuron."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, neuron: NeuronFactory
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 7, stride, 3, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """Spikes ``[N, C, H, W]`` of one timestep."""
        return self.neuron(self.bn(self.conv(x)))


BLOCKS.add("wide", Wide)
MACROS.add("small", Macro((TBD(1), Pool("max"), TBD(2), Pool("max"))))
