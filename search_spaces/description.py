"""What a network is, without training it: parameters, neurons, stages."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autosnn_nni.search_spaces.network import SpikingNetwork
from autosnn_nni.search_spaces.spikes import SpikeCounter


@dataclass(frozen=True)
class Stage:
    """One stage of a network as it is drawn; ``size`` is the side of its square output."""

    name: str
    kind: str
    block: str
    out_channels: int
    size: int


@dataclass(frozen=True)
class Description:
    """Counts of one architecture.

    ``neurons`` are spiking neurons; ``pool_outputs`` are the max-pools' outputs, which send spikes
    on as well (the paper's 6.4 HWC of Section B.3 counts both).
    """

    blocks: tuple[str, ...]
    parameters: int
    neurons: int
    pool_outputs: int
    stages: tuple[Stage, ...]


def describe(
    network: SpikingNetwork, blocks: tuple[str, ...], shape: tuple[int, int, int]
) -> Description:
    """Describe a stand-alone network for images of ``shape`` (channels, height, width)."""
    sizes: dict[str, torch.Size] = {}
    outputs: dict[str, nn.Module] = {"stem": network.stem.neuron, **network.stages}
    hooks = [
        stage.register_forward_hook(partial(_record, sizes, name))
        for name, stage in outputs.items()
    ]
    with SpikeCounter(network) as counter, torch.no_grad():
        training = network.training
        network.eval()(network.fc.linear.weight.new_zeros(1, *shape))
        network.train(training)
    for hook in hooks:
        hook.remove()
    layers = counter.layers()
    return Description(
        blocks=blocks,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        neurons=sum(layer.neurons for layer in layers if layer.kind == "neuron"),
        pool_outputs=sum(layer.neurons for layer in layers if layer.kind == "pool"),
        stages=_stages(network, blocks, sizes),
    )


def _record(
    sizes: dict[str, torch.Size], name: str, module: nn.Module, inputs: Any, output: Tensor
) -> None:
    sizes[name] = output.shape[-3:]


def _stages(
    network: SpikingNetwork, blocks: tuple[str, ...], sizes: dict[str, torch.Size]
) -> tuple[Stage, ...]:
    chosen = iter(blocks)
    stages = []
    for name, (channels, side, _) in sizes.items():
        if name == "stem":
            kind, block = "stem", "conv 3x3"
        elif name.startswith("tbd"):
            kind, block = "tbd", next(chosen)
        elif name == "gap":
            kind, block = "pool", "global average pool"
        else:
            is_max = isinstance(network.stages[name], nn.MaxPool2d)
            kind, block = "pool", "max pool" if is_max else "average pool"
        stages.append(Stage(name, kind, block, channels, side))
    outputs = network.fc.linear.out_features
    head = Stage("fc", "head", "fully connected", outputs, 1)
    return (*stages, head, Stage("vote", "head", "voting", outputs // 10, 1))
