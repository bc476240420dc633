"""Run an export with SpikingJelly, and record what its neurons send.

autosnn export runs/digits
python examples/read_nir.py runs/digits/export
autosnn check-export runs/digits/export
"""

import sys
from pathlib import Path

import h5py
import nir
import torch
from spikingjelly.activation_based.nir_exchange import import_from_nir


def main(folder: Path) -> None:
    """Write ``spikingjelly.nir`` into the folder of an export."""
    graph, recorded = nir.read(folder / "network.nir"), nir.read_data(folder / "recording.nir")
    images = torch.from_numpy(recorded.nodes["input"].observables["input"].data)
    frames = images.unflatten(2, tuple(graph.nodes["input"].output_type["output"].tolist()))
    network = import_from_nir(graph, dt=float(graph.metadata["dt"]), dtype=frames.dtype)
    spikes = {name: [] for name in recorded.nodes if name != "input"}
    for name, steps in spikes.items():
        hook = lambda module, inputs, outputs, steps=steps: steps.append(outputs[0].flatten(1))  # noqa: E731
        network.get_submodule(name).register_forward_hook(hook)
    with torch.no_grad():
        state = None
        for frame in frames.transpose(0, 1):
            _, state = network(frame, state)
    nodes = {
        name: nir.NIRNodeData(
            {"spikes": nir.TimeGriddedData(torch.stack(steps, 1).numpy() > 0, 1e-4)}
        )
        for name, steps in spikes.items()
    }
    nir.write_data(folder / "spikingjelly.nir", nir.NIRGraphData(nodes))
    with h5py.File(folder / "spikingjelly.nir", "a") as file:
        file.attrs["network_id"] = graph.metadata.get("network_id", "")  # whose spikes these are


if __name__ == "__main__":
    main(Path(sys.argv[1]))
