"""Small networks with weights and batch norm that let many neurons fire, in float64."""

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from autosnn_nni.data import DataSet, Images
from autosnn_nni.export import Exported
from autosnn_nni.search_spaces import MACROS, NetworkConfig, SpikingNetwork, build_network, seeded
from autosnn_nni.testing.lively import lively

PAPER = ("skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5")
OTHERS = ("SIB_k3_e1", "SIB_k3_e3", "SIB_k3_e1_full", "max_pool", "average_pool")


def config_of(space: str, blocks: tuple[str, ...] = (), **options: Any) -> NetworkConfig:
    fields = {"shape": (2, 32, 32), "channels": 4, "timesteps": 3, **options}
    candidates = tuple(dict.fromkeys(blocks))
    return NetworkConfig(space, classes=3, candidates=candidates, **fields)


def built(
    config: NetworkConfig, blocks: tuple[str, ...] = (), dtype: torch.dtype = torch.float64
) -> SpikingNetwork:
    """A new network in eval mode, of which only the first layers fire."""
    with seeded(1):
        return build_network(config, blocks).to(dtype).eval()


def trained(
    config: NetworkConfig, blocks: tuple[str, ...] = (), dtype: torch.dtype = torch.float64
) -> SpikingNetwork:
    """A network in eval mode whose last layer fires for ``images(config, 1)``."""
    return lively(built(config, blocks, dtype), images(config, 1))


def images(config: NetworkConfig, count: int, seed: int = 0) -> Tensor:
    """Random images."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(count, *config.shape, generator=generator, dtype=torch.float64)


def exported(config: NetworkConfig, blocks: tuple[str, ...] = (), **options: Any) -> Exported:
    """What is exported of a network, with a data set of a few random images.

    The network's last layer fires for the first of them.
    """
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (6, *config.shape), dtype=torch.uint8, generator=generator)
    data = Images(pixels, torch.arange(6) % config.classes)
    mean, std = (0.5,) * config.shape[0], (0.15,) * config.shape[0]
    dataset = DataSet("random", config.classes, data, data, mean, std, 0, flip=False)
    found = Exported(built(config, blocks, **options), config, blocks, dataset)
    lively(found.network, found.images[:1])
    return found


def drawn(data: st.DataObject, space: str, **options: Any) -> Exported:
    """What is exported of a random architecture."""
    blocks = data.draw(st.tuples(*[st.sampled_from(PAPER + OTHERS)] * MACROS[space].tbd_blocks))
    neuron = data.draw(st.sampled_from(["PLIF", "LIF", "IF"]))
    size = data.draw(st.sampled_from([(16, 16), (17, 18)]))
    config = config_of(space, blocks, neuron=neuron, shape=(2, *size), channels=2)
    return exported(config, blocks, **options)
