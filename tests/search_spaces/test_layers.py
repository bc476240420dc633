import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from autosnn_nni.kernels import convolution
from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces.blocks import HalvingSkip
from autosnn_nni.search_spaces.layers import Conv2d, Linear, MaxPool2d, Pointwise
from tests.autosnn_nni.kernels.builds import built
from tests.search_spaces.fixtures import Standardised

LAYERS = {
    "convolution": Conv2d(6, 4, 3, 2, 1, bias=False, step_mode="m"),
    "pointwise": Pointwise(6, 4, 2),
    "linear": Linear(6 * 5 * 5, 4, bias=False),
    "halving skip": HalvingSkip(6, 4, nn.Identity),
}


SPIKES = Spikes.of((torch.rand(2, 3, 6, 7, 7) < 0.3).double())
#: What torch allows, and the kernels don't know.
OTHERS = {
    "reflect": Conv2d(6, 4, 3, padding=1, padding_mode="reflect", bias=False),
    "circular": Conv2d(6, 4, 3, padding=1, padding_mode="circular", bias=False),
    "same": Conv2d(6, 4, 3, padding="same", bias=False),
    "dilation": Conv2d(6, 4, 3, padding=2, dilation=2, bias=False),
    "column": Conv2d(6, 4, (3, 1), padding=(1, 0), bias=False),
    "stride": Conv2d(6, 4, 3, (1, 2), 1, bias=False),
    "bias": Conv2d(6, 4, 3, padding=1),
    "linear bias": Linear(6 * 7 * 7, 4),
    "pool": MaxPool2d(2, 1, dilation=2),
    "pool of columns": MaxPool2d((2, 1)),
}


class Doubled(Linear):
    """A plugin's fully connected layer."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


OWN = {
    "convolution": Standardised(6, 4, 3, padding=1, bias=False),
    "linear": Doubled(6 * 7 * 7, 4, bias=False),
    "parametrised": weight_norm(Conv2d(6, 4, 3, padding=1, bias=False)),
}


def plain(layer: nn.Module, x: Tensor) -> Tensor:
    """What torch alone computes, timestep by timestep."""
    if isinstance(layer, nn.Linear):
        return nn.Linear.forward(layer, x.flatten(-3))
    kind = nn.MaxPool2d if isinstance(layer, nn.MaxPool2d) else nn.Conv2d
    return torch.stack([kind.forward(layer, one) for one in x])  # type: ignore[arg-type]


@built
@pytest.mark.parametrize("name", OTHERS)
def test_what_the_kernels_do_not_know_is_left_to_torch(name: str) -> None:
    layer = copy.deepcopy(OTHERS[name]).double()
    if hasattr(layer, "step_mode"):
        layer.step_mode = "m"
    torch.testing.assert_close(layer(SPIKES), plain(layer, SPIKES.dense()))


@pytest.mark.parametrize("name", [name for name in OTHERS if "pool" not in name])
def test_images_too(name: str) -> None:
    layer = copy.deepcopy(OTHERS[name]).double()
    x = SPIKES.dense()[0]
    torch.testing.assert_close(layer(x)[None], plain(layer, x[None]))


@built
@pytest.mark.parametrize("name", OWN)
def test_a_plugins_subclass_computes_what_it_says(name: str) -> None:
    layer: Any = copy.deepcopy(OWN[name]).double()
    if hasattr(layer, "step_mode"):
        layer.step_mode = "m"
    assert layer.convolved(SPIKES) is None
    torch.testing.assert_close(layer(SPIKES), layer(SPIKES.dense()))


@built
@pytest.mark.parametrize("name", LAYERS)
def test_more_channels_than_the_kernels_know_are_left_to_torch(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = copy.deepcopy(LAYERS[name]).double().eval()
    for module in layer.modules():
        if hasattr(module, "step_mode"):
            module.step_mode = "m"
    spikes = Spikes.of((torch.rand(2, 3, 6, 5, 5) < 0.3).double())
    expected = layer(spikes)
    monkeypatch.setattr(convolution, "_MAX_CHANNELS", 5)
    torch.testing.assert_close(layer(spikes), expected)
