"""The formats of exports by name. To add one, write a function and one ``EXPORTS.add`` line."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import nir
from safetensors.torch import save_file

from autosnn_nni.errors import UserError
from autosnn_nni.export.exported import Exported
from autosnn_nni.export.nir_graph import to_nir
from autosnn_nni.export.recording import record, to_nir_data, write_recording
from autosnn_nni.export.torch_file import source_of, weights_of
from autosnn_nni.files import write_whole, write_whole_with
from autosnn_nni.registry import Registry

#: Writes the files of a format into a folder, and gives their paths.
Export = Callable[[Exported, Path], list[Path]]
EXPORTS: Registry[Export] = Registry("format")

#: The files of the format ``nir``: the network, and what it sends for a few test images.
NIR_GRAPH, NIR_RECORDING = "network.nir", "recording.nir"
#: Those of ``torch``: code, weights, and the test split.
TORCH_FILE, TORCH_WEIGHTS, TEST_IMAGES = "network.py", "weights.safetensors", "test.safetensors"
#: That of ``onnx``.
ONNX_MODEL = "network.onnx"


def write_nir(exported: Exported, folder: Path) -> list[Path]:
    """Write the network in NIR, and a recording of a few test images."""
    graph, images = exported.graph, exported.images
    network = to_nir(graph, exported.about, images.numpy().dtype)
    spikes, _ = record(exported.network, graph, images)
    recording = to_nir_data(graph, images, spikes)
    paths = [folder / NIR_GRAPH, folder / NIR_RECORDING]
    write_whole_with(paths[0], lambda path: nir.write(path, network))
    write_whole_with(paths[1], lambda path: write_recording(path, recording, exported.network_id))
    return paths


def write_torch(exported: Exported, folder: Path) -> list[Path]:
    """Write a Python file that needs torch alone, its weights, and the test images."""
    paths = [folder / name for name in (TORCH_FILE, TORCH_WEIGHTS, TEST_IMAGES)]
    source, weights = source_of(exported), weights_of(exported.graph)
    test = exported.dataset.test
    images = {"images": test.images.contiguous(), "labels": test.labels}
    write_whole(paths[0], source)
    write_whole_with(paths[1], lambda path: save_file(weights, path, exported.about))
    write_whole_with(paths[2], lambda path: save_file(images, path))
    return paths


def write_onnx(exported: Exported, folder: Path) -> list[Path]:
    """Write one timestep of the network as an ONNX model."""
    if find_spec("onnx") is None:
        raise UserError("--format onnx needs onnx; run pip install 'autosnn-nni[onnx]'")
    from autosnn_nni.export.onnx_model import to_onnx

    path = folder / ONNX_MODEL
    write_whole(path, to_onnx(exported.graph, exported.about).SerializeToString())
    return [path]


EXPORTS.add("nir", write_nir)
EXPORTS.add("torch", write_torch)
EXPORTS.add("onnx", write_onnx)
