from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from autosnn_nni.search_spaces import BLOCKS
from autosnn_nni.search_spaces.probe import SITES, Site
from autosnn_nni.search_spaces.uncounted import uncounted

SITE = Site(4, 4, 1, (8, 8))


class Plain(nn.Module):
    """All its weights are called; a scale has one axis that is not 1."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Callable[[], Any]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.scale = nn.Parameter(torch.ones(1, outputs, 1, 1))
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.conv(x) * self.scale)


class Functional(Plain):
    """The layer holds the weight, and is not called."""

    def forward(self, x: Tensor) -> Any:
        return self.neuron(F.conv2d(x, self.conv.weight, None, self.conv.stride, 1))


class Mixed(Plain):
    """A weight without a layer."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.w = nn.Parameter(torch.rand(outputs, outputs))

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + torch.einsum("oc,nchw->nohw", self.w, x)


class Normed(Plain):
    """A parametrised weight."""

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        weight_norm(self.conv)


class Attends(Plain):
    """Attention of torch, which calls none of its layers."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.attention = nn.MultiheadAttention(outputs, 1, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        y = super().forward(x)
        tokens = y.flatten(2).transpose(1, 2)
        return self.attention(tokens, tokens, tokens)[0].transpose(1, 2).view_as(y)


@pytest.mark.parametrize(
    ("block", "names"),
    [
        (Plain, ()),
        (Normed, ()),
        (Functional, ("conv.weight",)),
        (Mixed, ("w",)),
        (Attends, ("attention.in_proj_weight", "attention.out_proj.weight")),
    ],
)
def test_weights_that_no_counted_layer_is_called_with(block: Any, names: tuple[str, ...]) -> None:
    assert uncounted(block, SITE) == names


def test_random_numbers_are_left_as_they_were() -> None:
    before = torch.random.get_rng_state()
    uncounted(Plain, SITE)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", BLOCKS)
def test_the_packages_blocks_are_counted(name: str) -> None:
    assert not any(uncounted(BLOCKS[name], site) for site in SITES)
