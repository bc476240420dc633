"""The plain reference: the equations of AutoSNN (ICML 2022) in the order they are printed.

One timestep after another, no fused step, nothing shared with the package but a dictionary of
weights (a ``state_dict``, by name). The tests hold the package to it; read it beside the paper.

Where the paper leaves a choice, its authors' setting is taken: surrogate derivative
``1 / (1 + (pi x)^2)`` (SpikingJelly's ``ATan``; Section E prints ``1 / (1 + x^2)``), no gradient
through the reset, batch norm's statistics per timestep. The triangle is not in the paper.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

V_TH = 1.0
V_RESET = 0.0
TAU = 2.0
K = 10  # voting: neurons per class
NEURONS = ("PLIF", "LIF", "IF", "ANN")


SURROGATES: dict[str, Callable[[Tensor], Tensor]] = {
    "atan": lambda x: 1 / (1 + (math.pi * x) ** 2),
    "triangle": lambda x: torch.where(x.abs() < 1, 1 - x.abs(), 0.0),
}


class Heaviside(torch.autograd.Function):
    """Theta of Eq. 2: 1 where ``x >= 0``; its derivative (Eq. 10) is a surrogate's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: str) -> Tensor:
        ctx.surrogate = surrogate
        ctx.save_for_backward(x)
        return (x >= 0).to(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grad * SURROGATES[ctx.surrogate](x), None


class Plain:
    """The layers of one forward pass: weights by name, potentials and spikes by layer.

    ``spikes`` are sums over images and timesteps. ``training`` normalises by the batch and updates
    the running statistics in ``weights``.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        neuron: str = "PLIF",
        *,
        training: bool = False,
        count: bool = True,
        surrogate: str = "atan",
        averages: str = "sum",
    ) -> None:
        self.weights = weights
        self.kind = neuron
        self.training = training
        self.surrogate = surrogate
        self.sums = averages == "sum" and neuron in ("PLIF", "LIF")
        self.counting = count and neuron != "ANN"
        self.potentials: dict[str, Tensor] = {}
        self.feedback: dict[str, tuple[Tensor, ...]] = {}
        self.timesteps: dict[str, int] = defaultdict(int)
        self.spikes: dict[str, float] = defaultdict(float)

    def conv(
        self, name: str, x: Tensor, out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> Tensor:
        """``z`` of Eq. 2, without bias."""
        weight = self.weights[f"{name}.weight"]
        assert weight.shape == (out, x.shape[1] // groups, kernel, kernel)
        return F.conv2d(x, weight, None, stride, kernel // 2, 1, groups)

    def batch_norm(self, name: str, x: Tensor) -> Tensor:
        """Batch norm; momentum 0.1. With parameters per timestep, BNTT's: no bias, epsilon 1e-4."""
        if f"{name}.running_mean" not in self.weights:
            return self._bntt(name, x)
        return F.batch_norm(
            x,
            self.weights[f"{name}.running_mean"],
            self.weights[f"{name}.running_var"],
            self.weights[f"{name}.weight"],
            self.weights[f"{name}.bias"],
            self.training,
            0.1,
            1e-5,
        )

    def _bntt(self, name: str, x: Tensor) -> Tensor:
        t = self.timesteps[name]
        self.timesteps[name] += 1
        at_t = f"{name}.bn_list.{t}"
        mean, var = (self.weights[f"{at_t}.running_{which}"] for which in ("mean", "var"))
        return F.batch_norm(
            x, mean, var, self.weights[f"{at_t}.weight"], None, self.training, 0.1, 1e-4
        )

    def normed(self, name: str, x: Tensor) -> Tensor:
        """Batch norm where the network has one."""
        known = any(key.startswith(f"{name}.") for key in self.weights)
        return self.batch_norm(name, x) if known else x

    def conv_bn(
        self, name: str, x: Tensor, out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> Tensor:
        """Convolution, then batch norm."""
        return self.normed(f"{name}.1", self.conv(f"{name}.0", x, out, kernel, stride, groups))

    def linear(self, name: str, x: Tensor) -> Tensor:
        """Fully connected, without bias."""
        return F.linear(x, self.weights[f"{name}.weight"])

    def neuron(self, name: str, z: Tensor) -> Tensor:
        """Eq. 2 from its second line on."""
        if self.kind == "ANN":
            return torch.relu(z)
        v = self.potentials.get(name, torch.full_like(z, V_RESET))
        if self.kind == "PLIF":
            alpha = self.weights[f"{name}.w"]
            h = v + 1 / (1 + torch.exp(-alpha)) * (-(v - V_RESET) + z)
        elif self.kind == "LIF":
            h = v + 1 / TAU * (-(v - V_RESET) + z)
        else:
            h = v + z
        spike = Heaviside.apply(h - V_TH, self.surrogate)
        fired = spike.detach()
        self.potentials[name] = h * (1 - fired) + V_RESET * fired
        self.count(name, spike)
        return spike

    def max_pool(
        self,
        name: str,
        x: Tensor,
        kernel: int = 2,
        stride: int = 2,
        padding: int = 0,
        ceil: bool = False,
    ) -> Tensor:
        """Max-pool; its outputs count as spikes (Section 3.1)."""
        out = F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil)
        self.count(name, out)
        return out

    def average_pool(
        self, x: Tensor, kernel: int = 2, stride: int = 2, padding: int = 0, ceil: bool = False
    ) -> Tensor:
        """Average pool; its outputs are not spikes."""
        return F.avg_pool2d(x, kernel, stride, padding, ceil)

    def add_up(
        self, x: Tensor, kernel: int = 2, stride: int = 2, padding: int = 0, ceil: bool = False
    ) -> Tensor:
        """The sum of every window."""
        height, width = (-side % stride if ceil else 0 for side in x.shape[-2:])
        x = F.pad(x, (padding, padding + width, padding, padding + height))
        return x.unfold(-2, kernel, stride).unfold(-2, kernel, stride).sum((-2, -1))

    def averaged(self, name: str, x: Tensor, *shape: Any) -> Tensor:
        """Neurons behind an average pool; leaky ones get the sums."""
        pool = self.add_up if self.sums else self.average_pool
        return self.neuron(name, pool(x, *shape))

    def count(self, name: str, spikes: Tensor) -> None:
        """Every layer that sends spikes on is counted, once."""
        if self.counting:
            self.spikes[name] += spikes.sum().item()


class Pooled(Plain):
    """The variant with batch norm's statistics over all timesteps: every layer sees all of T.

    Tensors are ``[T, N, ...]``; convolutions, batch norm and pools see T x N images.
    """

    def conv(self, name: str, x: Tensor, *shape: Any, **options: Any) -> Tensor:
        return self._fold(partial(super().conv, name), x, *shape, **options)

    def batch_norm(self, name: str, x: Tensor) -> Tensor:
        return self._fold(partial(super().batch_norm, name), x)

    def max_pool(self, name: str, x: Tensor, *shape: int) -> Tensor:
        return self._fold(partial(super().max_pool, name), x, *shape)

    def average_pool(self, x: Tensor, *shape: int) -> Tensor:
        return self._fold(super().average_pool, x, *shape)

    def add_up(self, x: Tensor, *shape: int) -> Tensor:
        return self._fold(super().add_up, x, *shape)

    def neuron(self, name: str, z: Tensor) -> Tensor:
        return torch.stack([super(Pooled, self).neuron(name, z_t) for z_t in z])

    def _fold(self, layer: Callable[..., Tensor], x: Tensor, *args: Any, **options: Any) -> Tensor:
        if x.dim() == 4:  # the stem's convolution sees the images once
            return layer(x, *args, **options)
        return layer(x.flatten(0, 1), *args, **options).unflatten(0, x.shape[:2])


# Blocks (Figure 8): ``name`` is the block's place in the weights, ``out`` its channels.


def conv(net: Plain, name: str, x: Tensor, out: int, stride: int, *, kernel: int) -> Tensor:
    """One convolution, batch norm and neuron."""
    return net.neuron(f"{name}.neuron", net.conv_bn(f"{name}.conv", x, out, kernel, stride))


def scb(net: Plain, name: str, x: Tensor, out: int, stride: int, *, kernel: int) -> Tensor:
    """Spiking convolution block."""
    x = net.neuron(f"{name}.neuron1", net.conv_bn(f"{name}.conv1", x, out, kernel, stride))
    return net.neuron(f"{name}.neuron2", net.conv_bn(f"{name}.conv2", x, out, kernel))


def srb(net: Plain, name: str, x: Tensor, out: int, stride: int, *, kernel: int) -> Tensor:
    """Spiking residual block: the input is added before the last neuron."""
    shortcut = x
    if x.shape[-3] != out or stride == 2:
        shortcut = net.conv_bn(f"{name}.shortcut", x, out, 1, stride)
    x = net.neuron(f"{name}.neuron1", net.conv_bn(f"{name}.conv1", x, out, kernel, stride))
    z = net.conv_bn(f"{name}.conv2", x, out, kernel)
    return net.neuron(f"{name}.neuron2", z + shortcut)


def sib(
    net: Plain,
    name: str,
    x: Tensor,
    out: int,
    stride: int,
    *,
    kernel: int,
    expansion: int,
    depthwise: bool = True,
) -> Tensor:
    """Spiking inverted bottleneck (Section B.3): expand, depthwise, project."""
    hidden = expansion * x.shape[-3]
    groups = hidden if depthwise else 1
    h = net.neuron(f"{name}.neuron1", net.conv_bn(f"{name}.expand", x, hidden))
    h = net.conv_bn(f"{name}.conv", h, hidden, kernel, stride, groups)
    z = net.conv_bn(f"{name}.project", net.neuron(f"{name}.neuron2", h), out)
    if stride == 1 and x.shape[-3] == out:
        z = z + x
    elif stride == 1:
        z = z + net.conv_bn(f"{name}.shortcut", x, out)
    return net.neuron(f"{name}.neuron3", z)


def skip(net: Plain, name: str, x: Tensor, out: int, stride: int) -> Tensor:
    """Identity where the shape allows it; at stride 2, two grids one pixel apart."""
    if stride == 2:
        padded = F.pad(x, (0, 1, 0, 1))  # an odd size has no last odd pixel
        even = net.conv(f"{name}.even", x[..., 0::2, 0::2], out // 2)
        odd = net.conv(f"{name}.odd", padded[..., 1::2, 1::2], out // 2)
        z = net.batch_norm(f"{name}.bn", torch.cat([even, odd], dim=-3))
        return net.neuron(f"{name}.neuron", z)
    return fit(net, name, x, out)


def fit(net: Plain, name: str, x: Tensor, out: int) -> Tensor:
    """The identity, or a spiking 1x1 convolution where the channels change."""
    if x.shape[-3] == out:
        return x
    return net.neuron(f"{name}.neuron", net.conv_bn(f"{name}.conv", x, out))


def max_pool(net: Plain, name: str, x: Tensor, out: int, stride: int) -> Tensor:
    """2x2 at stride 2 (an odd size is rounded up); 3x3 at stride 1."""
    shape = (2, 2, 0, True) if stride == 2 else (3, 1, 1)
    return fit(net, f"{name}.fit", net.max_pool(f"{name}.pool", x, *shape), out)


def average_pool(net: Plain, name: str, x: Tensor, out: int, stride: int) -> Tensor:
    """As max_pool, the averages made spikes by a neuron."""
    shape = (2, 2, 0, True) if stride == 2 else (3, 1, 1)
    x = net.averaged(f"{name}.neuron", x, *shape)
    return fit(net, f"{name}.fit", x, out)


Block = Callable[[Plain, str, Tensor, int, int], Tensor]
BLOCKS: dict[str, Block] = {"skip": skip, "max_pool": max_pool, "average_pool": average_pool}
for _k in (3, 5, 7):
    BLOCKS[f"conv_k{_k}"] = partial(conv, kernel=_k)
    BLOCKS[f"SCB_k{_k}"] = partial(scb, kernel=_k)
    BLOCKS[f"SRB_k{_k}"] = partial(srb, kernel=_k)
    for _e in (1, 3, 6):
        BLOCKS[f"SIB_k{_k}_e{_e}"] = partial(sib, kernel=_k, expansion=_e)
        BLOCKS[f"SIB_k{_k}_e{_e}_full"] = partial(sib, kernel=_k, expansion=_e, depthwise=False)


# Macro architectures (Figure 7), between the stem and the fully connected layer.


def snn_1(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Max-pools between the blocks."""
    x = BLOCKS[blocks[0]](net, "stages.tbd1", x, c, 1)
    x = net.max_pool("stages.pool1", x)
    x = BLOCKS[blocks[1]](net, "stages.tbd2", x, 2 * c, 1)
    x = BLOCKS[blocks[2]](net, "stages.tbd3", x, 2 * c, 1)
    x = net.max_pool("stages.pool2", x)
    x = BLOCKS[blocks[3]](net, "stages.tbd4", x, 4 * c, 1)
    x = BLOCKS[blocks[4]](net, "stages.tbd5", x, 4 * c, 1)
    return net.max_pool("stages.pool3", x)


def snn_2(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """SNN_1 and a global average pool with neurons."""
    x = snn_1(net, blocks, x, c)
    height, width = x.shape[-2:]
    window = 1 if net.sums else height * width
    return net.neuron("stages.gap1.neuron", x.sum((-2, -1), keepdim=True) / window)


def speck(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """SNN_1 with pools that pass all spikes of a window on."""
    x = 4 * net.average_pool(BLOCKS[blocks[0]](net, "stages.tbd1", x, c, 1))
    x = BLOCKS[blocks[1]](net, "stages.tbd2", x, 2 * c, 1)
    x = 4 * net.average_pool(BLOCKS[blocks[2]](net, "stages.tbd3", x, 2 * c, 1))
    x = BLOCKS[blocks[3]](net, "stages.tbd4", x, 4 * c, 1)
    return 4 * net.average_pool(BLOCKS[blocks[4]](net, "stages.tbd5", x, 4 * c, 1))


def snn_3(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Blocks of stride 2 in place of the pools."""
    x = BLOCKS[blocks[0]](net, "stages.tbd1", x, c, 1)
    x = BLOCKS[blocks[1]](net, "stages.tbd2", x, 2 * c, 2)
    x = BLOCKS[blocks[2]](net, "stages.tbd3", x, 2 * c, 1)
    x = BLOCKS[blocks[3]](net, "stages.tbd4", x, 2 * c, 1)
    x = BLOCKS[blocks[4]](net, "stages.tbd5", x, 4 * c, 2)
    x = BLOCKS[blocks[5]](net, "stages.tbd6", x, 4 * c, 1)
    x = BLOCKS[blocks[6]](net, "stages.tbd7", x, 4 * c, 1)
    return BLOCKS[blocks[7]](net, "stages.tbd8", x, 8 * c, 2)


def snn_4(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """SNN_1 with average pools followed by neurons."""
    x = BLOCKS[blocks[0]](net, "stages.tbd1", x, c, 1)
    x = net.averaged("stages.pool1.neuron", x)
    x = BLOCKS[blocks[1]](net, "stages.tbd2", x, 2 * c, 1)
    x = BLOCKS[blocks[2]](net, "stages.tbd3", x, 2 * c, 1)
    x = net.averaged("stages.pool2.neuron", x)
    x = BLOCKS[blocks[3]](net, "stages.tbd4", x, 4 * c, 1)
    x = BLOCKS[blocks[4]](net, "stages.tbd5", x, 4 * c, 1)
    return net.averaged("stages.pool3.neuron", x)


def snn_1_8(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """SNN_1 with one more block before each pool (Table 6)."""
    x = BLOCKS[blocks[0]](net, "stages.tbd1", x, c, 1)
    x = BLOCKS[blocks[1]](net, "stages.tbd2", x, c, 1)
    x = net.max_pool("stages.pool1", x)
    x = BLOCKS[blocks[2]](net, "stages.tbd3", x, 2 * c, 1)
    x = BLOCKS[blocks[3]](net, "stages.tbd4", x, 2 * c, 1)
    x = BLOCKS[blocks[4]](net, "stages.tbd5", x, 2 * c, 1)
    x = net.max_pool("stages.pool2", x)
    x = BLOCKS[blocks[5]](net, "stages.tbd6", x, 4 * c, 1)
    x = BLOCKS[blocks[6]](net, "stages.tbd7", x, 4 * c, 1)
    x = BLOCKS[blocks[7]](net, "stages.tbd8", x, 4 * c, 1)
    return net.max_pool("stages.pool3", x)


SPACES = {
    "SNN_1": snn_1,
    "SNN_2": snn_2,
    "SNN_3": snn_3,
    "SNN_4": snn_4,
    "SNN_1_8": snn_1_8,
    "Speck": speck,
}


# Networks made by hand (Tables 3 and 4), between the first convolution and the last layer.


def conv3(net: Plain, number: int, x: Tensor, out: int) -> Tensor:
    """conv_k3."""
    return conv(net, f"stages.block{number}", x, out, 1, kernel=3)


def srb3(net: Plain, number: int, x: Tensor, out: int, stride: int = 1) -> Tensor:
    """SRB_k3."""
    return srb(net, f"stages.block{number}", x, out, stride, kernel=3)


def average(net: Plain, number: int, x: Tensor) -> Tensor:
    """Average pool and neurons."""
    return net.averaged(f"stages.pool{number}.neuron", x)


def fully_connected(net: Plain, number: int, x: Tensor, out: int) -> Tensor:
    """A hidden layer and its neurons."""
    name = f"stages.fc{number}"
    z = net.normed(f"{name}.norm", net.linear(f"{name}.linear", x.flatten(-3)))
    assert z.shape[-1] == out
    return net.neuron(f"{name}.neuron", z)[..., None, None]


def cifarnet_wu(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Wu et al. 2019."""
    x = average(net, 1, conv3(net, 1, x, 2 * c))
    x = average(net, 2, conv3(net, 2, x, 4 * c))
    x = conv3(net, 4, conv3(net, 3, x, 8 * c), 4 * c)
    return fully_connected(net, 2, fully_connected(net, 1, x, 8 * c), 4 * c)


def cifarnet_fang(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Fang et al. 2021."""
    x = net.max_pool("stages.pool1", conv3(net, 2, conv3(net, 1, x, c), c))
    x = conv3(net, 5, conv3(net, 4, conv3(net, 3, x, c), c), c)
    return fully_connected(net, 1, net.max_pool("stages.pool2", x), 8 * c)


def resnet11_lee(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Lee et al. 2020."""
    x = srb3(net, 2, srb3(net, 1, average(net, 1, x), 2 * c), 4 * c, 2)
    x = srb3(net, 4, srb3(net, 3, x, 8 * c), 8 * c, 2)
    return fully_connected(net, 1, x, 16 * c)


def resnet19_zheng(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Zheng et al. 2021."""
    x = srb3(net, 3, srb3(net, 2, srb3(net, 1, x, c), c), c)
    x = srb3(net, 6, srb3(net, 5, srb3(net, 4, x, 2 * c, 2), 2 * c), 2 * c)
    x = srb3(net, 8, srb3(net, 7, x, 4 * c, 2), 4 * c)
    return fully_connected(net, 1, average(net, 1, x), 2 * c)


def fang_dvs(net: Plain, blocks: Sequence[str], x: Tensor, c: int, *, halvings: int) -> Tensor:
    """Fang et al. 2021 for event data."""
    x = net.max_pool("stages.pool1", x)
    for number in range(1, halvings):
        x = net.max_pool(f"stages.pool{number + 1}", conv3(net, number, x, c))
    return fully_connected(net, 1, x, 4 * c)


def resnet17_zheng_dvs(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Zheng et al. 2021 for event data, behind the deep stem."""
    x = srb3(net, 3, srb3(net, 2, srb3(net, 1, x, c, 2), c), c)
    x = srb3(net, 5, srb3(net, 4, x, 2 * c, 2), 2 * c)
    x = srb3(net, 7, srb3(net, 6, x, 2 * c), 2 * c)
    return fully_connected(net, 1, average(net, 1, x), 4 * c)


def scnn_he(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """He et al. 2020, on frames of 32x32."""
    x = average(net, 2, conv3(net, 2, average(net, 1, conv3(net, 1, x, 2 * c)), 2 * c))
    return fully_connected(net, 1, x, 4 * c)


def decolle_kaiser(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Kaiser et al. 2020, on frames of 32x32."""
    x = net.max_pool("stages.pool1", x)
    x = conv(net, "stages.block1", x, 2 * c, 1, kernel=7)
    x = conv(net, "stages.block2", x, 2 * c, 1, kernel=7)
    return net.max_pool("stages.pool2", x)


def vgg(net: Plain, blocks: Sequence[str], x: Tensor, c: int, *, hidden: int) -> Tensor:
    """Kim and Panda: VGG9 (one hidden layer) and VGG16 (two); pools without neurons."""
    x = net.average_pool(conv3(net, 1, x, c))
    x = net.average_pool(conv3(net, 3, conv3(net, 2, x, 2 * c), 2 * c))
    x = conv3(net, 6, conv3(net, 5, conv3(net, 4, x, 4 * c), 4 * c), 4 * c)
    x = net.average_pool(x)
    if hidden == 1:
        return fully_connected(net, 1, x, 16 * c)
    for first in (7, 10):
        for number in range(first, first + 3):
            x = conv3(net, number, x, 8 * c)
        x = net.average_pool(x)
    return fully_connected(net, 2, fully_connected(net, 1, x, 64 * c), 64 * c)


BY_HAND = {
    "SCNN-He": scnn_he,
    "DECOLLE-Kaiser": decolle_kaiser,
    "VGG9-BNTT": partial(vgg, hidden=1),
    "VGG16-SALT": partial(vgg, hidden=2),
    "CIFARNet-Wu": cifarnet_wu,
    "CIFARNet-Fang": cifarnet_fang,
    "ResNet11-Lee": resnet11_lee,
    "ResNet19-Zheng": resnet19_zheng,
    "CIFARNet-Fang-DVS4": partial(fang_dvs, halvings=4),
    "CIFARNet-Fang-DVS5": partial(fang_dvs, halvings=5),
    "ResNet17-Zheng-DVS": resnet17_zheng_dvs,
}


# SNASNet (Kim et al. 2022): node by node, edges in the order 01, 02, 03, 12, 13, 23.


def operation(net: Plain, place: str, block: str, x: Tensor) -> Tensor:
    """What an edge makes of a node, whatever its direction."""
    kind = block.removeprefix("back_")
    if kind == "zeroize":
        return 0 * x
    if kind == "skip":
        return x
    if kind == "average_pool":
        return net.average_pool(x, 3, 1, 1)
    kernel = int(kind[-1])
    spikes = net.neuron(f"{place}.layers.neuron", x)
    return net.conv_bn(f"{place}.layers.conv", spikes, x.shape[-3], kernel)


def cell(net: Plain, name: str, blocks: Sequence[str], x0: Tensor) -> Tensor:
    """Backward edges bring their nodes' values of the timestep before."""
    b0, b1, b2 = net.feedback.get(name, (0 * x0, 0 * x0, 0 * x0))
    edges = ("01", "02", "03", "12", "13", "23")

    def edge(between: str, x: Tensor, backward: bool) -> Tensor:
        number = edges.index(between)
        block, place = blocks[number], f"{name}.tbd{number + 1}"
        if block.startswith("back_") != backward:
            return 0 * x
        return operation(net, place, block, x)

    n0 = x0 + b0
    n1 = edge("01", n0, False) + b1
    n2 = edge("02", n0, False) + edge("12", n1, False) + b2
    n3 = edge("03", n0, False) + edge("13", n1, False) + edge("23", n2, False)
    net.feedback[name] = (
        edge("01", n1, True) + edge("02", n2, True) + edge("03", n3, True),
        edge("12", n2, True) + edge("13", n3, True),
        edge("23", n3, True),
    )
    return n3


def bn_neuron(net: Plain, name: str, x: Tensor) -> Tensor:
    """Batch norm and neuron."""
    return net.neuron(f"{name}.neuron", net.batch_norm(f"{name}.bn", x))


def snasnet(net: Plain, blocks: Sequence[str], x: Tensor, c: int) -> Tensor:
    """Two cells that are alike, a reduction between them."""
    x = bn_neuron(net, "stages.reduction1.0", cell(net, "stages.cell1", blocks, x))
    x = net.average_pool(net.conv_bn("stages.reduction1.1", x, 2 * c, 3))
    x = bn_neuron(net, "stages.activation1", cell(net, "stages.cell2", blocks, x))
    return fully_connected(net, 1, net.average_pool(x), 8 * c)


SHRUNK = ("SCNN-He", "DECOLLE-Kaiser")
CELLS = {"SNASNet-Fw": snasnet, "SNASNet-Bw": snasnet}
MACROS = {**SPACES, **BY_HAND, **CELLS}


def deep_stem(net: Plain, x: Tensor, c: int) -> Tensor:
    """What comes before the blocks of a searched space (Figure 6); nothing for 32x32."""
    if x.shape[-1] < 64:
        return x
    halved = net.max_pool("stages.stem_pool1", x)
    x = conv(net, "stages.stem_block1", halved, c, 1, kernel=3)
    return x if x.shape[-1] < 64 else net.max_pool("stages.stem_pool2", x)


def forward(
    net: Plain, space: str, blocks: Sequence[str], images: Tensor, timesteps: int
) -> Tensor:
    """Images ``[N, C, H, W]``, or event frames ``[N, T, C, H, W]``, to ``o`` of Eq. 4.

    Direct encoding: the stem's convolution sees the images once, its neuron at every timestep. Of
    event data both see another frame at every timestep.
    """
    channels, _, kernel, _ = net.weights["stem.conv.0.weight"].shape
    if space in SHRUNK:
        images = F.avg_pool2d(images.flatten(0, -4), 4).unflatten(0, images.shape[:-3])
    stem = partial(net.conv_bn, "stem.conv", out=channels, kernel=kernel)

    def votes(z: Tensor) -> Tensor:
        x = z if space in CELLS else net.neuron("stem.neuron", z)
        if space in SPACES or space == "ResNet17-Zheng-DVS":
            x = deep_stem(net, x, channels)
        x = MACROS[space](net, blocks, x, channels)
        spikes = net.neuron(
            "fc.neuron", net.linear("fc.linear", net.normed("fc.norm", x.flatten(-3)))
        )
        voters = 1 if space == "Speck" else K
        return spikes.reshape(*spikes.shape[:-1], -1, voters).mean(-1)

    if images.dim() == 5:
        frames = images.transpose(0, 1)
        currents = stem(frames) if isinstance(net, Pooled) else [stem(frame) for frame in frames]
    else:
        steps = 1 if net.kind == "ANN" else timesteps  # ReLU has no state: all are equal
        currents = [stem(images)] * steps
    if isinstance(net, Pooled):
        return votes(torch.stack(list(currents))).mean(0)
    total = votes(currents[0])
    for current in currents[1:]:
        total = total + votes(current)
    return total / len(currents)


def loss(outputs: Tensor, target: Tensor) -> Tensor:
    """Eq. 5, averaged over the images."""
    one_hot = F.one_hot(target, outputs.shape[1]).to(outputs)
    return ((outputs - one_hot) ** 2).mean()
