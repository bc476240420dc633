from .activations import ActivationMeter, LayerActivation
from .architecture import (
    TIMESTEPS,
    Architecture,
    from_sample,
    from_text,
    in_order,
    labels,
    split_timesteps,
    timesteps_name,
    to_sample,
    to_text,
)
from .blocks import BLOCKS, PAPER_CANDIDATES
from .build import build_network, seeded
from .cell import OPERATIONS
from .config import NetworkConfig
from .description import DescribedStage, Description, describe
from .layers import VOTERS
from .macro import Macro
from .macros import MACROS
from .network import Folded, SpikingNetwork, fold_batch_norm, path_weights, subnet
from .networks import NETWORKS, Network
from .neurons import NEURONS, NeuronFactory
from .operations import LayerOperations, OperationCounter, synaptic_operations
from .segments import Cut, Segment, cut
from .space import SpikingSpace
from .spikes import (
    FiringRate,
    LayerSpikes,
    SpikeCounter,
    is_spiking,
    neurons_in,
    spiking_layers,
)
from .stages import TBD, Fixed, FullyConnected, GlobalPool, Pool
from .surrogates import SURROGATES, Surrogate
from .totals import TotalCounter, Totals
from .watch import StepVotes, Watch

__all__ = [
    "BLOCKS",
    "MACROS",
    "NETWORKS",
    "NEURONS",
    "OPERATIONS",
    "PAPER_CANDIDATES",
    "SURROGATES",
    "TBD",
    "TIMESTEPS",
    "VOTERS",
    "ActivationMeter",
    "Architecture",
    "Cut",
    "DescribedStage",
    "Description",
    "FiringRate",
    "Fixed",
    "Folded",
    "FullyConnected",
    "GlobalPool",
    "LayerActivation",
    "LayerOperations",
    "LayerSpikes",
    "Macro",
    "Network",
    "NetworkConfig",
    "NeuronFactory",
    "OperationCounter",
    "Pool",
    "Segment",
    "SpikeCounter",
    "SpikingNetwork",
    "SpikingSpace",
    "StepVotes",
    "Surrogate",
    "TotalCounter",
    "Totals",
    "Watch",
    "build_network",
    "cut",
    "describe",
    "fold_batch_norm",
    "from_sample",
    "from_text",
    "in_order",
    "is_spiking",
    "labels",
    "neurons_in",
    "path_weights",
    "seeded",
    "spiking_layers",
    "split_timesteps",
    "subnet",
    "synaptic_operations",
    "timesteps_name",
    "to_sample",
    "to_text",
]
