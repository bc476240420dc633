"""NIR graphs send the spikes of the network, in independent readers."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from snntorch.import_nir import import_from_nir as read_by_snntorch
from spikingjelly.activation_based.nir_exchange import import_from_nir
from torch import Tensor

from autosnn_nni.export import Graph, graph_of, record, to_nir
from autosnn_nni.export.nir_graph import DT
from autosnn_nni.search_spaces import MACROS, NetworkConfig
from tests import nir_by_numpy
from tests.autosnn_nni.export.made import OTHERS, PAPER, config_of, images, trained

#: ``(network, graph in NIR, frames [T, C, H, W])`` to spikes ``[T, neurons]`` by node.
Reader = Callable[[Graph, nir.NIRGraph, Tensor], dict[str, Any]]


def by_numpy(graph: Graph, written: nir.NIRGraph, frames: Tensor) -> dict[str, Any]:
    found = nir_by_numpy.run(written, frames.numpy(), DT)
    return {name: values.reshape(len(frames), -1) > 0 for name, values in found.items()}


def by_spikingjelly(graph: Graph, written: nir.NIRGraph, frames: Tensor) -> dict[str, Any]:
    return run(import_from_nir(written, dt=DT, dtype=frames.dtype), graph, frames)


def by_snntorch(graph: Graph, written: nir.NIRGraph, frames: Tensor) -> dict[str, Any]:
    with contextlib.redirect_stdout(io.StringIO()):
        network = read_by_snntorch(written)
    return run(network, graph, frames)


def run(network: Any, graph: Graph, frames: Tensor) -> dict[str, Any]:
    """The outputs of the modules that have the name of a node."""
    steps: dict[str, list[Any]] = {}

    def look(name: str) -> Any:
        def hook(module: Any, inputs: Any, outputs: Any) -> None:
            sent = outputs if isinstance(outputs, Tensor) else outputs[0]
            steps.setdefault(name, []).append(sent.flatten().numpy() > 0)

        return hook

    for name, module in network.named_modules():
        if name in graph.modules:
            module.register_forward_hook(look(name))
    with torch.no_grad():
        state = None
        for frame in frames:
            _, state = network(frame[None], state)
    return {name: np.stack(found) for name, found in steps.items()}


def differing(
    config: NetworkConfig,
    blocks: tuple[str, ...],
    folder: Path,
    read: Reader,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> dict[str, int]:
    """In how many places the spikes of ``read`` differ from the network's, by node."""
    network = trained(config, blocks, dtype)
    graph = graph_of(network, config)
    image = images(config, 1, seed).to(dtype)
    spikes, _ = record(network, graph, image)
    nir.write(folder / "network.nir", to_nir(graph, dtype=image.numpy().dtype))
    found = read(
        graph, nir.read(folder / "network.nir"), image.expand(config.timesteps, *config.shape)
    )
    assert spikes[graph.last.name].any()
    assert all(own[0].shape == found[name].shape for name, own in spikes.items())
    return {name: int((own[0] != found[name]).sum()) for name, own in spikes.items()}


def nothing_differs(found: dict[str, int]) -> bool:
    return bool(found) and not any(found.values())


@settings(deadline=None, max_examples=12, derandomize=True, phases=[Phase.generate])
@given(data=st.data())
@pytest.mark.parametrize("space", ["SNN_1", "SNN_2", "SNN_3", "SNN_4"])
def test_every_spike_of_every_architecture_is_the_same(
    space: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    count = MACROS[space].tbd_blocks
    blocks = data.draw(st.tuples(*[st.sampled_from(PAPER + OTHERS)] * count))
    options = {
        "neuron": data.draw(st.sampled_from(["PLIF", "LIF", "IF"])),
        "shape": (data.draw(st.integers(1, 3)), *data.draw(st.sampled_from([(16, 16), (17, 18)]))),
        "channels": 2,
        "batch_norm": data.draw(st.sampled_from(["timestep", "pooled"])),
    }
    config = config_of(space, blocks, **options)
    folder = tmp_path_factory.mktemp("nir")
    reader = data.draw(st.sampled_from([by_numpy, by_spikingjelly]))
    assert nothing_differs(differing(config, blocks, folder, reader))


@pytest.mark.parametrize("read", [by_numpy, by_spikingjelly])
@pytest.mark.parametrize(
    "network",
    ["CIFARNet-Wu", "CIFARNet-Fang", "ResNet11-Lee", "ResNet19-Zheng", "SCNN-He", "VGG16-SALT"],
)
def test_networks_made_by_hand_are_the_same(network: str, read: Reader, tmp_path: Path) -> None:
    config = config_of(network, channels=2)
    assert nothing_differs(differing(config, (), tmp_path, read))


def test_a_cell_of_snasnet_is_the_same(tmp_path: Path) -> None:
    blocks = ("skip", "conv_k3", "skip", "average_pool", "skip", "conv_k1")
    config = config_of("SNASNet-Fw", blocks)
    assert nothing_differs(differing(config, blocks, tmp_path, by_numpy))
    assert nothing_differs(differing(config, blocks, tmp_path, by_spikingjelly))


@pytest.mark.parametrize(
    ("neuron", "averages"),
    [("PLIF", "sum"), ("LIF", "sum"), ("PLIF", "mean")],  # averages never charge LIF neurons enough
)
def test_snntorch_sends_the_same_in_float32(neuron: str, averages: str, tmp_path: Path) -> None:
    blocks = ("SRB_k5", "SCB_k3", "skip", "SRB_k3", "SIB_k3_e1")
    config = config_of("SNN_4", blocks, neuron=neuron, averages=averages, shape=(1, 16, 16))
    assert nothing_differs(differing(config, blocks, tmp_path, by_snntorch, torch.float32))


def test_events_have_frames_of_their_own(tmp_path: Path) -> None:
    blocks = ("SRB_k3", "SCB_k3", "skip", "SRB_k3", "skip")
    config = config_of("SNN_1", blocks, shape=(2, 16, 16))
    network = trained(config, blocks)
    graph = graph_of(network, config)
    frames = images(config, 3)
    spikes, votes = record(network, graph, frames[None])
    assert votes.any()
    for read in by_numpy, by_spikingjelly:
        found = read(graph, to_nir(graph, dtype=np.float64), frames)
        assert all((own[0] == found[name]).all() for name, own in spikes.items())


def test_the_last_neurons_vote(tmp_path: Path) -> None:
    blocks = ("SRB_k3", "SCB_k3", "skip", "SRB_k3", "skip")
    config = config_of("SNN_1", blocks)
    network = trained(config, blocks)
    graph = graph_of(network, config)
    image = images(config, 1)
    written = to_nir(graph, {"dataset": "none"}, np.float64)
    found = by_numpy(graph, written, image.expand(3, *config.shape))["output"]
    metadata = written.metadata
    assert metadata["dataset"] == "none"
    assert (metadata["timesteps"], metadata["classes"]) == ("3", "3")
    votes = found.reshape(3, 3, int(metadata["voters_per_class"])).mean((0, 2))
    with torch.no_grad():
        assert votes == pytest.approx(network(image)[0].numpy())


def test_a_potential_of_exactly_one_fires(tmp_path: Path) -> None:
    """NIR fires above the threshold, the paper at it."""
    config = config_of("SNN_1", ("skip",) * 5, neuron="IF", shape=(1, 8, 8), channels=2)
    network = trained(config, ("skip",) * 5)
    graph = graph_of(network, config)
    written = to_nir(graph, dtype=np.float64)
    threshold = written.nodes["stem_neuron"].v_threshold.flat[0]
    assert threshold < 1 <= np.nextafter(threshold, 2)
