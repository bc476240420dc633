"""The formats of exports by name. To add one, write a function and one ``EXPORTS.add`` line."""

from collections.abc import Callable
from pathlib import Path

import nir
import torch

from autosnn_nni.export.exported import Exported
from autosnn_nni.export.nir_graph import to_nir
from autosnn_nni.export.recording import record, to_nir_data
from autosnn_nni.files import write_whole_with
from autosnn_nni.registry import Registry

#: Writes the files of a format into a folder, and gives their paths.
Export = Callable[[Exported, Path], list[Path]]
EXPORTS: Registry[Export] = Registry("format")

#: The files of the format ``nir``: the network, and what it sends for a few test images.
NIR_GRAPH, NIR_RECORDING = "network.nir", "recording.nir"


def write_nir(exported: Exported, folder: Path) -> list[Path]:
    """Write the network in NIR, and a recording of a few test images."""
    graph, images = exported.graph, exported.images
    dtype = torch.empty(0, dtype=images.dtype).numpy().dtype
    network = to_nir(graph, exported.about, dtype)
    spikes, _ = record(exported.network, graph, images)
    recording = to_nir_data(graph, images, spikes)
    paths = [folder / NIR_GRAPH, folder / NIR_RECORDING]
    write_whole_with(paths[0], lambda path: nir.write(path, network))
    write_whole_with(paths[1], lambda path: nir.write_data(path, recording))
    return paths


EXPORTS.add("nir", write_nir)
