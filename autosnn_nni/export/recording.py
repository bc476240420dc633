"""What a network sends at every timestep, in NIR's format of recordings, to compare readers by."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import torch
from torch import Tensor

from autosnn_nni.errors import UserError
from autosnn_nni.export.graph import Graph, MaxPool, Neurons
from autosnn_nni.export.nir_graph import DT
from autosnn_nni.search_spaces import SpikingNetwork

#: The attribute of a recording's file with the id of its network, which ``network.nir`` has, too.
NETWORK_ID = "network_id"

#: Spikes by the name of their node: ``[N, T, neurons]``, True where there is one.
Spikes = Mapping[str, "np.ndarray[Any, np.dtype[np.bool_]]"]


def record(network: SpikingNetwork, graph: Graph, images: Tensor) -> tuple[Spikes, Tensor]:
    """Spikes of all layers, and the votes, for ``images`` ``[N, C, H, W]`` or ``[N, T, C, H, W]``.

    ``graph`` is the network's.
    """
    steps: dict[str, list[Tensor]] = {}
    with _looking_at(network, graph, steps), torch.no_grad():
        votes = network(images)
    spikes = {
        name: torch.cat(found).transpose(0, 1).flatten(2).bool().numpy()
        for name, found in steps.items()
    }
    return spikes, votes


@contextmanager
def _looking_at(
    network: SpikingNetwork, graph: Graph, steps: dict[str, list[Tensor]]
) -> Iterator[None]:
    def add(name: str, module: Any, inputs: Any, output: Tensor) -> None:
        found = output.detach().clone().cpu()
        steps.setdefault(name, []).append(found if network.multi_step else found.unsqueeze(0))

    hooks = [
        network.get_submodule(graph.modules[name]).register_forward_hook(partial(add, name))
        for name, node in graph.nodes.items()
        if isinstance(node, Neurons | MaxPool)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def to_nir_data(graph: Graph, images: Tensor, spikes: Spikes) -> nir.NIRGraphData:
    """A recording: the input at every timestep, and the spikes of every node that sends them."""
    frames = images.cpu()
    if frames.dim() == 4:
        frames = frames.unsqueeze(1).expand(-1, graph.timesteps, *frames.shape[1:])
    nodes = {graph.input.name: _observed("input", frames.flatten(2).numpy())}
    return nir.NIRGraphData(
        nodes={**nodes, **{name: _observed("spikes", found) for name, found in spikes.items()}}
    )


def _observed(what: str, data: Any) -> nir.NIRNodeData:
    return nir.NIRNodeData(observables={what: nir.TimeGriddedData(np.ascontiguousarray(data), DT)})


def write_recording(path: Path, recording: nir.NIRGraphData, network_id: str) -> None:
    """Write a recording that says of which network it is, which NIR's format has no place for."""
    nir.write_data(path, recording)
    with h5py.File(path, "a") as file:
        file.attrs[NETWORK_ID] = network_id


def network_of(path: Path) -> str:
    """Of which network the recording in a file is; an empty text if it does not say so."""
    with h5py.File(path) as file:
        return str(file.attrs.get(NETWORK_ID, ""))


@dataclass(frozen=True)
class Difference:
    """A node in two recordings: its spikes in the first one, and how many places differ."""

    name: str
    spikes: int
    differing: int
    places: int


def compare(own: nir.NIRGraphData, other: nir.NIRGraphData) -> list[Difference]:
    """The nodes of both recordings, in the order of the first.

    Raises :class:`UserError` if they have none in common, or of another size.
    """
    found = []
    for name, node in own.nodes.items():
        if "spikes" in node.observables and name in other.nodes:
            ours, theirs = _spikes(node), _spikes(other.nodes[name])
            if ours.shape != theirs.shape:
                raise UserError(
                    f"{name} has spikes of {theirs.shape} (images, timesteps, neurons), "
                    f"not of {ours.shape}"
                )
            differing = int((ours != theirs).sum())
            found.append(Difference(name, int(ours.sum()), differing, ours.size))
    if not found:
        raise UserError(f"it has none of the nodes {', '.join(own.nodes)}")
    return found


def _spikes(node: nir.NIRNodeData) -> Any:
    try:
        recorded = node.observables["spikes"]
    except KeyError:
        known = ", ".join(node.observables)
        raise UserError(f"a node has {known}, but no spikes") from None
    if isinstance(recorded, nir.EventData):
        recorded = recorded.to_time_gridded(DT)
    return recorded.data.astype(bool)
