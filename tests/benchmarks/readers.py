"""Which readers of NIR send the network's own spikes: ``python -m tests.benchmarks.readers``.

Printed is a row for each network and kind of neuron: for every reader in how many places, of all
neurons of all layers at all timesteps, its spikes differ for one random image.
"""

import contextlib
import io
import warnings
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from tests.autosnn_nni.export.made import config_of
from tests.autosnn_nni.export.test_nir_graph import (
    by_numpy,
    by_snntorch,
    by_spikingjelly,
    differing,
)

NETWORKS = {
    "SNN_1": ("SRB_k5", "SCB_k3", "skip", "SRB_k3", "SIB_k3_e3"),
    "SNN_2": ("skip", "SRB_k3", "SCB_k5", "skip", "SRB_k3"),
    "SNN_3": ("SRB_k3", "skip", "SIB_k3_e3", "skip", "SCB_k5", "SIB_k3_e3", "skip", "skip"),
    "SNN_4": ("skip", "SRB_k3", "max_pool", "average_pool", "SRB_k3"),
    "CIFARNet-Wu": (),
    "ResNet19-Zheng": (),
    "VGG16-SALT": (),
    "SNASNet-Fw": ("skip", "conv_k3", "skip", "average_pool", "skip", "conv_k1"),
}
READERS = {
    "numpy, float64": partial(differing, read=by_numpy, dtype=torch.float64),
    "SpikingJelly, float64": partial(differing, read=by_spikingjelly, dtype=torch.float64),
    "SpikingJelly, float32": partial(differing, read=by_spikingjelly, dtype=torch.float32),
    "snnTorch, float32": partial(differing, read=by_snntorch, dtype=torch.float32),
}


def main() -> None:
    """Print the table, in Markdown."""
    print("| network | neuron |", " | ".join(READERS), "|")
    print("|---|---|" + "--:|" * len(READERS))
    for name, blocks in NETWORKS.items():
        for neuron in ("PLIF", "LIF", "IF"):
            config = config_of(name, blocks, neuron=neuron)
            with TemporaryDirectory() as folder:
                cells = [_cell(read, config, blocks, Path(folder)) for read in READERS.values()]
            print(f"| {name} | {neuron} |", " | ".join(cells), "|", flush=True)


def _cell(read: "partial[dict[str, int]]", *arguments: object) -> str:
    try:
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stderr(io.StringIO()):
            return f"{sum(read(*arguments).values()):,}"
    except Exception as error:  # a reader's own
        return f"refused: {error}"


if __name__ == "__main__":
    main()
