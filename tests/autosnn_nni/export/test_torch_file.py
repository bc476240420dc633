"""The Python file: its network sends the spikes of the package's, and it needs torch alone."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import neuron
from torch import Tensor, nn

from autosnn_nni.export import EXPORTS, Exported, record
from autosnn_nni.export.torch_file import source_of, weights_of
from autosnn_nni.files import read_json
from tests.autosnn_nni.conftest import ALIKE
from tests.autosnn_nni.export.made import config_of, drawn, exported

SRB = ("SRB_k3", "SIB_k3_e3", "skip", "max_pool", "SRB_k5")


def network_of(found: Exported, folder: Path) -> Any:
    """The file's network in float64."""
    namespace: dict[str, Any] = {"__name__": "network", "__file__": str(folder / "network.py")}
    exec(source_of(found), namespace)
    network = namespace["Network"]().double()
    network.load_state_dict(weights_of(found.graph, torch.float64))
    return network


def sent(network: Any, found: Exported, frames: Tensor) -> dict[str, Tensor]:
    """Spikes ``[T, neurons]`` by layer; ``frames`` are ``[T, C, H, W]``."""
    steps: dict[str, list[Tensor]] = {}
    for name in found.graph.modules:
        getattr(network, name).register_forward_hook(
            lambda module, inputs, output, name=name: steps.setdefault(name, []).append(output)
        )
    with torch.no_grad():
        for frame in frames:
            network.step(frame[None])
    return {name: torch.cat(spikes).flatten(1) > 0 for name, spikes in steps.items()}


def is_the_same(found: Exported, folder: Path, network: Any = None) -> bool:
    images = found.images[:1]
    spikes, _ = record(found.network, found.graph, images)
    frames = images.expand(found.graph.timesteps, *images.shape[1:])
    own = sent(network or network_of(found, folder), found, frames)
    assert spikes[found.graph.last.name].any()
    return all(torch.equal(own[name], torch.from_numpy(one[0])) for name, one in spikes.items())


@settings(deadline=None, max_examples=12, derandomize=True, phases=[Phase.generate])
@given(data=st.data())
@pytest.mark.parametrize("space", ["SNN_1", "SNN_2", "SNN_3", "SNN_4"])
def test_every_spike_of_every_architecture_is_the_same(space: str, data: st.DataObject) -> None:
    assert is_the_same(drawn(data, space), Path())


@pytest.mark.parametrize("name", ["CIFARNet-Wu", "ResNet19-Zheng", "SCNN-He", "VGG16-SALT"])
def test_networks_made_by_hand_are_the_same(name: str) -> None:
    assert is_the_same(exported(config_of(name, channels=2)), Path())


def test_a_cell_of_snasnet_is_the_same() -> None:
    blocks = ("skip", "conv_k3", "skip", "average_pool", "skip", "conv_k1")
    assert is_the_same(exported(config_of("SNASNet-Fw", blocks), blocks), Path())


def test_spikingjellys_neurons_send_the_same() -> None:
    found = exported(config_of("SNN_1", SRB), SRB)
    network = network_of(found, Path())
    for node in found.graph.neurons:
        setattr(network, node.name, neuron.LIFNode(1 / node.leak, decay_input=True))
    assert is_the_same(found, Path(), network)


def test_it_runs_in_other_types_and_on_other_devices() -> None:
    found = exported(config_of("SNN_1", SRB, shape=(1, 16, 16)), SRB)
    network, images = network_of(found, Path()), found.dataset.test.images[:4]
    with torch.no_grad():
        assert torch.allclose(network(images), found.network(found.images))
        assert network.spikes > 0
        votes = network.to("meta")(images.to("meta"))  # a device that every machine has
    assert (votes.dtype, votes.device.type) == (torch.float64, "meta")


def test_the_file_is_python_that_a_person_reads() -> None:
    source = source_of(exported(config_of("SNN_1", SRB, shape=(1, 16, 16)), SRB))
    assert source.startswith('"""SNN_1 with SRB_k3, SIB_k3_e3, skip, max_pool, SRB_k5, trained on')
    assert "self.tbd1_conv1 = nn.Conv2d(4, 4, 3, padding=1)\n" in source
    assert "tbd1_neuron2 = self.sent(self.tbd1_neuron2(tbd1_conv2 + stem_neuron))\n" in source
    assert "self.pool1 = nn.MaxPool2d(2)\n" in source
    assert "images [N, C, H, W] from 0 to 255 (not 0 to 1)" in source
    assert not re.findall(r"[ \t]\n|\n\n\n\n", source)
    imports = re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE)
    assert set(imports) == {"json", "sys", "pathlib", "torch"}


ALONE = """
import runpy, sys
sys.modules.update(dict.fromkeys(["autosnn_nni", "nni", "safetensors", "spikingjelly"]))
runpy.run_path(sys.argv.pop(), run_name="__main__")
"""


@pytest.mark.slow
def test_it_prints_the_results_of_the_run_by_itself(
    finished: Path, tmp_path: Path, autosnn: Callable[..., Any]
) -> None:
    outcome = autosnn("export", finished, "--format", "torch", "--output", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    command = [sys.executable, "-c", ALONE, tmp_path / "network.py"]
    environment = {**os.environ, **ALIKE}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd="/", env=environment
    )
    result = read_json(finished / "result.json")
    assert done.stdout == (
        f"accuracy {100 * result['accuracy']:.2f} %, {result['spikes']:,.2f} spikes per image\n"
    )


def test_recordings_are_read_frame_by_frame(tmp_path: Path) -> None:
    found = exported(config_of("SNN_1", SRB, shape=(2, 16, 16)), SRB, dtype=torch.float32)
    frames = torch.randint(0, 9, (5, 3, 2, 16, 16), dtype=torch.int16)
    images = type(found.dataset.test)(frames, torch.arange(5) % 3)
    dataset = vars(found.dataset) | {"test": images, "events": True}
    found = Exported(found.network, found.config, SRB, type(found.dataset)(**dataset))
    assert [path.name for path in EXPORTS["torch"](found, tmp_path)] == [
        "network.py",
        "weights.safetensors",
        "test.safetensors",
    ]
    namespace: dict[str, Any] = {"__name__": "x", "__file__": str(tmp_path / "network.py")}
    exec((tmp_path / "network.py").read_text(), namespace)
    network = namespace["load"]()
    assert isinstance(network, nn.Module)
    read = namespace["read"](tmp_path / "test.safetensors")
    assert torch.equal(read["images"], frames)
    with torch.no_grad():
        assert torch.allclose(network(read["images"]), found.network(frames.float()))
