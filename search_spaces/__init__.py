"""Macro architectures, candidate spiking blocks and the NNI model space made of them."""

from autosnn_nni.search_spaces.architecture import (
    Architecture,
    from_sample,
    from_text,
    labels,
    to_sample,
    to_text,
)
from autosnn_nni.search_spaces.blocks import BLOCKS, PAPER_CANDIDATES
from autosnn_nni.search_spaces.description import Description, Stage, describe
from autosnn_nni.search_spaces.macro import MACROS, TBD, Macro, Pool
from autosnn_nni.search_spaces.network import SpikingNetwork, fold_batch_norm, subnet
from autosnn_nni.search_spaces.neurons import NEURONS, NeuronFactory
from autosnn_nni.search_spaces.space import NetworkConfig, SpikingSpace, build_network
from autosnn_nni.search_spaces.spikes import LayerSpikes, SpikeCounter, spiking_layers

__all__ = [
    "BLOCKS",
    "MACROS",
    "NEURONS",
    "PAPER_CANDIDATES",
    "TBD",
    "Architecture",
    "Description",
    "LayerSpikes",
    "Macro",
    "NetworkConfig",
    "NeuronFactory",
    "Pool",
    "SpikeCounter",
    "SpikingNetwork",
    "SpikingSpace",
    "Stage",
    "build_network",
    "describe",
    "fold_batch_norm",
    "from_sample",
    "from_text",
    "labels",
    "spiking_layers",
    "subnet",
    "to_sample",
    "to_text",
]
