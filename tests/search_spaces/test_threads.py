"""A training step is the same, bit for bit, on any number of threads: a resumed run is, too."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from autosnn_nni.search_spaces import NetworkConfig, build_network
from autosnn_nni.search_spaces.build import seeded
from autosnn_nni.testing.lively import enliven
from tests import reference
from tests.autosnn_nni.kernels.builds import built, threads
from tests.search_spaces.fixtures import EIGHT, FOUND

pytestmark = built
INVERTED = ("SIB_k3_e3", "SCB_k3", "SIB_k5_e1", "average_pool", "conv_k7")


def step(images: Tensor, blocks: Sequence[str], settings: dict[str, Any]) -> dict[str, Tensor]:
    """Votes, gradients and statistics of one step of a network whose layers all fire."""
    with seeded(0):
        network = build_network(NetworkConfig(classes=10, channels=16, **settings), blocks)
    votes = enliven(network).train()(images)
    reference.loss(votes, torch.arange(len(images)) % 10).backward()
    gradients = {
        f"gradient of {name}": parameter.grad
        for name, parameter in network.named_parameters()
        if parameter.grad is not None
    }
    return {"votes": votes.detach(), **gradients, **dict(network.named_buffers())}


@pytest.mark.parametrize(
    ("macro", "blocks", "shape", "images", "settings"),
    [
        ("SNN_1", FOUND, (1, 8, 8), (96,), {}),
        ("SNN_1", FOUND, (3, 32, 32), (24,), {}),
        ("SNN_1", INVERTED, (3, 16, 16), (32,), {}),
        ("SNN_3", EIGHT, (3, 16, 16), (32,), {"batch_norm": "pooled"}),
        ("SNN_4", FOUND, (3, 16, 16), (32,), {}),
        ("SNN_1", FOUND, (2, 16, 16), (32, 3), {}),  # event frames
        ("CIFARNet-Fang", (), (3, 16, 16), (32,), {}),
    ],
    ids=["digits", "colours", "inverted", "pooled", "averages", "events", "by hand"],
)
def test_a_training_step_does_not_depend_on_the_number_of_threads(
    macro: str,
    blocks: Sequence[str],
    shape: tuple[int, ...],
    images: tuple[int, ...],
    settings: dict[str, Any],
) -> None:
    settings = {"space": macro, "shape": shape, "timesteps": 3, **settings}
    x = torch.randn(*images, *shape, generator=torch.Generator().manual_seed(0))
    with threads(1):
        alone = step(x, blocks, settings)
    assert alone["votes"].any()
    assert alone["gradient of stem.conv.0.weight"].any()
    for count in (2, 3):
        with threads(count):
            together = step(x, blocks, settings)
        assert [name for name in alone if not torch.equal(alone[name], together[name])] == []
