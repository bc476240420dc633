import copy

import pytest
import torch
from torch import nn

from autosnn_nni.kernels import convolution
from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces.blocks import HalvingSkip
from autosnn_nni.search_spaces.layers import Conv2d, Linear, Pointwise
from tests.autosnn_nni.kernels.builds import built

LAYERS = {
    "convolution": Conv2d(6, 4, 3, 2, 1, bias=False, step_mode="m"),
    "pointwise": Pointwise(6, 4, 2),
    "linear": Linear(6 * 5 * 5, 4, bias=False),
    "halving skip": HalvingSkip(6, 4, nn.Identity),
}


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
