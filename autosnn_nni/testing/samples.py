"""A small network, and what may be known of one, to try plugins with. This needs no pytest."""

import math

import torch
from torch import Tensor

from autosnn_nni.data import DataSet, Images
from autosnn_nni.export import Exported
from autosnn_nni.search_spaces import NetworkConfig, build_network, seeded
from autosnn_nni.strategies import Measurements
from autosnn_nni.testing.lively import lively

#: Of a small network, all known.
MEASURED = Measurements(
    accuracy=0.9,
    spikes=1_000.0,
    synops=20_000.0,
    macs=3_000.0,
    parameters=4_000.0,
    neurons=500.0,
    timesteps=4.0,
    milliseconds=2.5,
)
#: What a file of an earlier version knows.
UNKNOWN = Measurements(accuracy=math.nan, spikes=math.nan)
_BLOCKS = ("SCB_k3", "skip", "SRB_k3", "skip", "SRB_k3")


def exported(*, neuron: str = "PLIF") -> Exported:
    """A small network, and a data set of a few random images."""
    config = NetworkConfig(
        "SNN_1",
        shape=(1, 16, 16),
        classes=3,
        channels=4,
        timesteps=3,
        neuron=neuron,
        candidates=("skip", "SCB_k3", "SRB_k3"),
    )
    with seeded(0):
        network = build_network(config, _BLOCKS)
        pixels = torch.randint(0, 256, (6, *config.shape), dtype=torch.uint8)
    data = Images(pixels, torch.arange(6) % config.classes)
    dataset = DataSet("random", config.classes, data, data, (0.5,), (0.2,), 0, flip=False)
    found = Exported(network.eval(), config, _BLOCKS, dataset)
    lively(network, found.images)
    return found


def images(config: NetworkConfig, count: int = 4) -> Tensor:
    """Random images for a network: float64 ``[count, C, H, W]``, always the same."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *config.shape, generator=generator, dtype=torch.float64)
