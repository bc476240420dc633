"""Weights of few bits: whole numbers of steps, and IF neurons that count in whole numbers."""

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import nn

from autosnn_nni.errors import UserError
from autosnn_nni.export import to_nir
from autosnn_nni.export.graph import Convolution, Dense
from autosnn_nni.export.recording import record
from tests.autosnn_nni.export.made import config_of, drawn, exported, images

QUICK = settings(max_examples=6, deadline=None, phases=[Phase.generate])
SPECK = ("SCB_k3", "skip", "SCB_k5", "skip", "skip")


@QUICK
@given(st.data(), st.sampled_from([6, 8]))
def test_weights_are_few_whole_numbers_of_a_step(data: st.DataObject, bits: int) -> None:
    found = drawn(data, "SNN_1").quantised(bits)
    for node in found.graph.nodes.values():
        if isinstance(node, Convolution | Dense):
            size = float(node.weight.abs().max())
            step = 2.0 ** -np.floor(np.log2((2 ** (bits - 1) - 1) / size)) if size else 1.0
            whole = node.weight / step
            assert whole.equal(whole.round())
            assert whole.abs().max() <= 2 ** (bits - 1) - 1
            assert node.bias is None or (node.bias / step).equal((node.bias / step).round())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_if_neurons_send_the_same_in_whole_numbers(dtype: torch.dtype, tmp_path: Path) -> None:
    """A chip of whole numbers: weights, biases and thresholds in steps of each layer."""
    config = config_of("Speck", SPECK, neuron="IF", shape=(1, 16, 16), timesteps=4)
    found = exported(config, SPECK, dtype=dtype).quantised(8)
    pixels = images(config, 3).round().to(dtype)  # whole numbers, as spikes are
    spikes, votes = record(found.network, found.graph, pixels)
    assert votes.any()
    nodes = found.graph.nodes
    for image in range(3):
        potentials: dict[str, Any] = {}
        for timestep in range(4):
            values: dict[str, Any] = {"input": pixels[image].double()}
            for name, node in list(nodes.items())[1:]:
                x = sum(values[one] for one in node.inputs)
                if isinstance(node, Convolution | Dense):
                    step = 2.0 ** -np.floor(np.log2(127 / float(node.weight.abs().max())))
                    weight, bias = (
                        None if one is None else (one / step).round().double()
                        for one in (node.weight, node.bias)
                    )
                    if isinstance(node, Convolution):
                        x = nn.functional.conv2d(x[None], weight, bias, node.stride, node.padding)[
                            0
                        ]
                    else:
                        x = nn.functional.linear(x.flatten(), weight, bias)
                    values[name], values[name + " step"] = x, step
                elif hasattr(node, "threshold"):
                    threshold = 1 / values[node.inputs[0] + " step"]
                    assert threshold == round(threshold)
                    v = potentials.get(name, 0.0) + x
                    fired = v >= threshold
                    potentials[name] = torch.where(fired, 0.0, v)
                    values[name] = fired.double()
                else:
                    values[name] = 4 * nn.functional.avg_pool2d(x, 2)
            for name, own in spikes.items():
                if name.endswith("neuron") or "neuron" in name:
                    seen = torch.as_tensor(own)[image, timestep].double()
                    assert seen.flatten().equal(values[name].flatten()), name


def test_the_file_says_how_many_bits(tmp_path: Path) -> None:
    found = exported(config_of("SNN_1", ("skip",) * 5, neuron="IF"), ("skip",) * 5).quantised(8)
    nir.write(tmp_path / "x.nir", to_nir(found.graph, found.about, np.dtype("float32")))
    assert found.about["weight_bits"] == "8"
    assert 0 <= found.tested().accuracy <= 1


@pytest.mark.parametrize(
    ("bits", "message"), [(1, "--bits must be from 2 to 16, not 1"), (32, "not 32")]
)
def test_other_bits_are_refused(bits: int, message: str) -> None:
    found = exported(config_of("SNN_1", ("skip",) * 5), ("skip",) * 5)
    with pytest.raises(UserError, match=message):
        found.quantised(bits)


def test_a_weight_that_does_not_fit_is_named() -> None:
    found = exported(config_of("SNN_1", ("skip",) * 5), ("skip",) * 5)
    with torch.no_grad():
        found.network.fc.linear.weight[0, 0] = 200.0
    with pytest.raises(
        UserError, match=r"fc.linear has a weight of 200, which does not fit into 8"
    ):
        found.quantised(8)
