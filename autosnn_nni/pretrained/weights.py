"""The weights themselves: files of torch's, checked against the index before they are read."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch

from autosnn_nni.errors import UserError
from autosnn_nni.files import checksum
from autosnn_nni.pretrained.index import FIX, FOLDER, Entry, find_entry
from autosnn_nni.search_spaces import NetworkConfig, SpikingNetwork, build_network, seeded


@dataclass(frozen=True)
class Pretrained:
    """A trained ``network`` in eval mode, and what is documented of it.

    The network maps normalised images ``[N, C, H, W]`` to votes ``[N, classes]``. Its batch norm
    statistics are those it was tested with.
    """

    network: SpikingNetwork
    entry: Entry

    @property
    def config(self) -> NetworkConfig:
        """The settings of the network, apart from its blocks."""
        return self.entry.config

    @property
    def accuracy(self) -> float:
        """Documented test accuracy as a fraction."""
        return self.entry.test.accuracy

    @property
    def spikes(self) -> float:
        """Documented spikes per test image, summed over timesteps."""
        return self.entry.test.spikes


def load_pretrained(network: str, dataset: str, folder: Path = FOLDER) -> Pretrained:
    """Load the weights of a network for a data set, both by name, on the CPU.

    Raises :class:`UserError` for unknown names, if there are no weights, and if they are damaged.
    """
    entry = find_entry(network, dataset, folder)
    path = folder / entry.file
    content = _read(path, entry.sha256)
    with seeded(0):  # the caller's random numbers stay as they are
        loaded = build_network(entry.config, entry.blocks)
    try:
        loaded.load_state_dict(torch.load(BytesIO(content), "cpu", weights_only=True))
    except Exception as error:  # torch.load's own errors have many types
        raise UserError(f"{path} does not have the weights of {network}; {FIX}") from error
    return Pretrained(loaded.eval(), entry)


def weights_of(network: SpikingNetwork) -> bytes:
    """The content of a file with the weights of ``network``; equal for equal weights."""
    buffer = BytesIO()
    # Copies: a view would be saved with all that it is a view of.
    weights = {name: value.cpu().clone() for name, value in network.state_dict().items()}
    torch.save(weights, buffer)
    return buffer.getvalue()


def _read(path: Path, expected: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {FIX}") from None
    if checksum(content) != expected:
        raise UserError(f"{path} is damaged: its checksum is not that of the index; {FIX}")
    return content
