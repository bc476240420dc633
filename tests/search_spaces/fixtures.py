"""Small networks that really fire, and the plain reference run on their weights."""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from autosnn_nni.search_spaces import (
    BLOCKS,
    MACROS,
    NEURONS,
    NetworkConfig,
    SpikingNetwork,
    build_network,
)
from autosnn_nni.search_spaces.build import seeded
from autosnn_nni.search_spaces.layers import Conv2d
from autosnn_nni.search_spaces.norms import lift
from autosnn_nni.testing.lively import enliven

FOUND = ("SRB_k5", "SRB_k5", "skip", "SRB_k3", "SRB_k5")  # the paper's, lambda = -0.08
FORWARD_CELL = ("conv_k3", "skip", "zeroize", "average_pool", "conv_k1", "conv_k3")
BACKWARD_CELL = ("conv_k3", "back_conv_k1", "skip", "conv_k3", "average_pool", "back_skip")
EIGHT = ("SCB_k3", "skip", "SRB_k3", "skip", "SRB_k5", "SIB_k3_e3", "SCB_k5", "SCB_k3")


#: The macro architectures that are searched: all, and those whose blocks are ``BLOCKS``.
SEARCHED = [name for name, macro in MACROS.items() if macro.tbd_blocks]
SPACES = [name for name in SEARCHED if MACROS[name].blocks is BLOCKS]


def side_for(space: str) -> int:
    """Of images that leave something of the smallest macro architectures."""
    return max(16, MACROS[space].least_side)


def small_config(space: str = "SNN_1", **changes: Any) -> NetworkConfig:
    settings: dict[str, Any] = {
        "shape": (3, side_for(space), side_for(space)),
        "classes": 3,
        "channels": 4,
        "timesteps": 3,
        **changes,
    }
    return NetworkConfig(space, **settings)


def blocks_for(space: str) -> tuple[str, ...]:
    if space == "SNASNet-Bw":
        return BACKWARD_CELL
    return {0: (), 5: FOUND, 6: FORWARD_CELL, 8: EIGHT}[MACROS[space].tbd_blocks]


def small_network(
    space: str = "SNN_1", blocks: Sequence[str] | None = None, **changes: Any
) -> SpikingNetwork:
    """A network in float64 whose layers fire."""
    config = small_config(space, **changes)
    network = lively(build_network(config, blocks or blocks_for(space)))
    if config.macro.batch_norm == "last":
        with seeded(0):
            lift(network, config.shape)
    return network


Module = TypeVar("Module", bound=nn.Module)


def lively(module: Module) -> Module:
    """``module`` in float64 with weights under which every layer fires."""
    return enliven(module.double())


def images(count: int = 3, shape: tuple[int, int, int] = (3, 16, 16), seed: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, *shape, generator=rng, dtype=torch.float64)


def spike_trains(count: int, timesteps: int, *shape: int, seed: int = 2) -> Tensor:
    """Spikes ``[N, T, C, H, W]`` that fire half of the time, in one corner always."""
    rng = torch.Generator().manual_seed(seed)
    trains = torch.randint(0, 2, (count, timesteps, *shape), generator=rng).double()
    trains[..., :3, :3] = 1
    return trains


class Unrolled(nn.Module):
    """A block alone over ``[N, T, C, H, W]``, its layers named ``block.…``."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, trains: Tensor) -> Tensor:
        outputs = torch.stack([self.block(x) for x in trains.unbind(1)], 1)
        functional.reset_net(self)
        return outputs


def small_block(name: str, kind: str, shape: tuple[int, int, int]) -> Unrolled:
    """``shape``: channels before, channels after, stride."""
    return lively(Unrolled(BLOCKS[name](*shape, NEURONS[kind])))


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of all weights and statistics by name; the parameters ask for gradients."""
    trained = dict(network.named_parameters())
    return {
        name: tensor.detach().clone().requires_grad_(name in trained)
        for name, tensor in network.state_dict().items()
    }


def layer_name(path: str) -> str:
    """How the package calls the layer that the reference names by its place in the weights."""
    return path.removeprefix("stages.").removesuffix(".neuron").removesuffix(".layers")


class Standardised(Conv2d):
    """A plugin's convolution with standardised weights."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return super()._conv_forward(input, weight - weight.mean((1, 2, 3), keepdim=True), bias)
