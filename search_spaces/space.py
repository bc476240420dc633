"""From names to networks: the configuration, stand-alone networks, NNI's model space."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nni.nas.nn.pytorch import LayerChoice, ModelSpace
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces.architecture import Architecture, to_sample
from autosnn_nni.search_spaces.blocks import (
    BLOCKS,
    PAPER_CANDIDATES,
    SpikingConv,
    average_pool,
    max_pool,
)
from autosnn_nni.search_spaces.macro import MACROS, TBD, Macro
from autosnn_nni.search_spaces.network import GlobalAveragePool, SpikingNetwork, VotingLayer
from autosnn_nni.search_spaces.neurons import NEURONS, NeuronFactory

MakeSlot = Callable[[str, Mapping[str, Callable[[], nn.Module]]], nn.Module]


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that fixes a network but its blocks.

    ``shape`` is an image's (channels, height, width); ``channels`` is the paper's initial channel
    C; ``candidates`` name the blocks a TBD block may become. Raises :class:`UserError` where a
    value makes no network.
    """

    space: str
    shape: tuple[int, int, int]
    classes: int
    channels: int = 16
    timesteps: int = 8
    neuron: str = "PLIF"
    candidates: Architecture = PAPER_CANDIDATES
    pooled: bool = False

    def __post_init__(self) -> None:
        if self.channels < 2 or self.channels % 2:
            raise UserError(f"channels must be even and positive, not {self.channels}")
        if self.timesteps < 1:
            raise UserError(f"timesteps must be at least 1, not {self.timesteps}")
        NEURONS[self.neuron]
        for name in self.candidates:
            BLOCKS[name]
            if self.candidates.count(name) > 1:
                raise UserError(f"candidate {name!r} is named twice; name each block once")
        self._check_size()

    def _check_size(self) -> None:
        if self.macro.output_side(min(self.shape[1:])) < 1:
            raise UserError(
                f"images of {self.shape[1]}x{self.shape[2]} are too small for {self.space}; "
                "its pooling layers need at least 8x8"
            )

    @property
    def macro(self) -> Macro:
        """The macro architecture."""
        return MACROS[self.space]

    @property
    def size(self) -> int:
        """How many architectures the space holds."""
        return len(self.candidates) ** self.macro.tbd_blocks

    def check(self, blocks: Sequence[str]) -> Architecture:
        """``blocks`` as an architecture of this space; raises :class:`UserError` if it is none."""
        for name in blocks:
            BLOCKS[name]
        if len(blocks) != self.macro.tbd_blocks:
            raise UserError(
                f"{self.space} has {self.macro.tbd_blocks} TBD blocks, but {len(blocks)} blocks "
                f"were given ({', '.join(blocks)}); name one block per TBD block"
            )
        return tuple(blocks)


def build_network(config: NetworkConfig, blocks: Sequence[str]) -> SpikingNetwork:
    """The stand-alone network of one architecture, freshly initialised."""
    chosen = to_sample(config.check(blocks))
    config = replace(config, candidates=tuple(dict.fromkeys(blocks)))
    return _assemble(config, lambda label, makers: makers[chosen[label]]())


class SpikingSpace(ModelSpace):
    """NNI's model space of a macro architecture: one ``LayerChoice`` per TBD block.

    Labels are ``tbd1`` to ``tbdN``, candidates are chosen by name. The keyword arguments are those
    of :class:`NetworkConfig`.
    """

    def __init__(self, space: str, **config: Any) -> None:
        super().__init__()
        self.config = NetworkConfig(space, **config)
        self.network = _assemble(self.config, _layer_choice)

    def forward(self, images: Tensor) -> Tensor:
        """Images ``[N, C, H, W]`` to mean votes ``[N, classes]``."""
        return self.network(images)


def _layer_choice(label: str, makers: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
    blocks = {name: make() for name, make in makers.items()}
    return LayerChoice(blocks, label=label)


def _assemble(config: NetworkConfig, make_slot: MakeSlot) -> SpikingNetwork:
    neuron = NEURONS[config.neuron]
    stem = SpikingConv(config.shape[0], config.channels, 3, neuron)
    stages, channels = _stages(config, neuron, make_slot)
    features = channels if config.macro.global_pool else _features(config, channels)
    timesteps = 1 if config.neuron == "ANN" else config.timesteps  # without state all are equal
    fc = VotingLayer(features, config.classes, neuron)
    return SpikingNetwork(stem, stages, fc, timesteps, pooled=config.pooled)


def _stages(
    config: NetworkConfig, neuron: NeuronFactory, make_slot: MakeSlot
) -> tuple[dict[str, nn.Module], int]:
    stages: dict[str, nn.Module] = {}
    channels, slots, pools = config.channels, 0, 0
    for stage in config.macro.stages:
        if isinstance(stage, TBD):
            slots += 1
            label, wide = f"tbd{slots}", stage.width * config.channels
            stages[label] = make_slot(label, _makers(config, channels, wide, stage.stride, neuron))
            channels = wide
        else:
            pools += 1
            stages[f"pool{pools}"] = max_pool() if stage.kind == "max" else average_pool(neuron)
    if config.macro.global_pool:
        stages["gap"] = GlobalAveragePool(neuron)
    return stages, channels


def _makers(
    config: NetworkConfig, in_channels: int, out_channels: int, stride: int, neuron: NeuronFactory
) -> dict[str, Callable[[], nn.Module]]:
    def maker(name: str) -> Callable[[], nn.Module]:
        return lambda: BLOCKS[name](in_channels, out_channels, stride, neuron)

    return {name: maker(name) for name in config.candidates}


def _features(config: NetworkConfig, channels: int) -> int:
    """Inputs of the fully connected layer."""
    height, width = (config.macro.output_side(side) for side in config.shape[1:])
    return channels * height * width
