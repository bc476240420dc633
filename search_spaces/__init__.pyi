from .architecture import (
    Architecture,
    from_sample,
    from_text,
    labels,
    to_sample,
    to_text,
)
from .blocks import BLOCKS, PAPER_CANDIDATES
from .build import build_network
from .config import NetworkConfig
from .description import Description, Stage, describe
from .macro import MACROS, TBD, Macro, Pool
from .network import SpikingNetwork, fold_batch_norm, path_weights, subnet
from .neurons import NEURONS, NeuronFactory
from .space import SpikingSpace
from .spikes import LayerSpikes, SpikeCounter, spiking_layers

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
    "path_weights",
    "spiking_layers",
    "subnet",
    "to_sample",
    "to_text",
]
