"""ONNX models in onnxruntime: spikes and potentials of every timestep, in float32."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

from autosnn_nni.export import EXPORTS, Exported, record
from autosnn_nni.export.onnx_model import to_onnx
from tests.autosnn_nni.export.made import config_of, drawn, exported

BLOCKS = ("SRB_k3", "SIB_k3_e3", "skip", "max_pool", "SRB_k5")


def run(model: bytes, frames: Tensor) -> list[dict[str, Any]]:
    """All outputs at every timestep, for one image's ``frames`` ``[T, C, H, W]``."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    states = {
        one.name: np.zeros((1, *one.shape[1:]), np.float32)
        for one in session.get_inputs()
        if one.name != "input"
    }
    names = [one.name for one in session.get_outputs()]
    steps = []
    for frame in frames.numpy():
        found = session.run(names, {"input": frame[None], **states})
        steps.append(dict(zip(names, found, strict=True)))
        states = {name: steps[-1][f"{name}_next"] for name in states}
    return steps


def is_the_same(found: Exported) -> bool:
    """A neuron that fires has a potential of 0 afterwards, and hardly ever else."""
    image = found.images[:1]
    spikes, _ = record(found.network, found.graph, image)
    frames = image.expand(found.graph.timesteps, *image.shape[1:])
    steps = run(to_onnx(found.graph).SerializeToString(), frames)
    output = np.concatenate([step["output"] for step in steps])
    own = spikes[found.graph.last.name][0]
    assert own.any()
    for node in found.graph.neurons:
        after = np.concatenate([step[f"v_{node.name}_next"] for step in steps])
        assert not after.reshape(len(steps), -1)[spikes[node.name][0]].any()
    return bool((output.astype(bool) == own).all())


@settings(deadline=None, max_examples=10, derandomize=True, phases=[Phase.generate])
@given(data=st.data())
@pytest.mark.parametrize("space", ["SNN_1", "SNN_2", "SNN_3", "SNN_4"])
def test_every_spike_of_every_architecture_is_the_same(space: str, data: st.DataObject) -> None:
    assert is_the_same(drawn(data, space, dtype=torch.float32))


@pytest.mark.parametrize("name", ["CIFARNet-Wu", "ResNet19-Zheng", "VGG16-SALT"])
def test_networks_made_by_hand_are_the_same(name: str) -> None:
    assert is_the_same(exported(config_of(name, channels=2), dtype=torch.float32))


def test_a_cell_of_snasnet_is_the_same() -> None:
    blocks = ("skip", "conv_k3", "skip", "average_pool", "skip", "conv_k1")
    found = exported(config_of("SNASNet-Fw", blocks), blocks, dtype=torch.float32)
    assert is_the_same(found)


def test_the_file_says_where_it_comes_from(tmp_path: Path) -> None:
    found = exported(config_of("SNN_1", BLOCKS), BLOCKS, dtype=torch.float32)
    (path,) = EXPORTS["onnx"](found, tmp_path)
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["blocks"] == ", ".join(BLOCKS)
    assert (metadata["timesteps"], metadata["voters_per_class"]) == ("3", "10")


def test_without_onnx_it_says_what_to_install(
    finished: Path, tmp_path: Path, autosnn: Callable[..., Any]
) -> None:
    def find(name: str, *rest: Any) -> Any:
        return None if name == "onnx" else find_spec(name, *rest)

    with mock.patch("autosnn_nni.export.formats.find_spec", find):
        outcome = autosnn("export", finished, "--format", "onnx", "--output", tmp_path / "new")
    assert outcome.code == 2
    assert "run pip install 'autosnn-nni[onnx]'" in outcome.err
    assert not (tmp_path / "new").exists()
