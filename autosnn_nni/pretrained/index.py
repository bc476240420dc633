"""The index of the weights that come with the package: what each file is, and its results."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.formats import read_stamped, write_stamped
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import NETWORKS, Architecture, NetworkConfig

#: The folder of the index and of the weights.
FOLDER = Path(__file__).parent

#: What to do about a damaged file of the package.
FIX = "install autosnn-nni again"


@dataclass(frozen=True)
class Measured:
    """Test results on ``images`` test images: accuracy as a fraction, spikes per image."""

    images: int
    accuracy: float
    spikes: float

    def is_near(self, accuracy: float, spikes: float) -> bool:
        """Whether other results of the same weights agree: processors round differently."""
        return abs(accuracy - self.accuracy) <= 0.005 and math.isclose(
            spikes, self.spikes, rel_tol=0.005
        )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The weights of the ``network`` of this name for a data set, in the file ``file``.

    ``blocks``, ``shape`` and ``classes`` describe the network; ``settings`` are those of its
    training, as in a run's ``settings.json``, and ``command`` trains it again. Pixels are scaled to
    [0, 1], and normalised per channel with ``mean`` and ``std``; frames of events are used as they
    are. ``test`` are the training's results on all test images, ``first`` those on the first few.
    """

    network: str
    dataset: str
    blocks: Architecture
    shape: tuple[int, int, int]
    classes: int
    parameters: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    test: Measured
    first: Measured
    command: str
    settings: dict[str, Any]
    file: str
    sha256: str

    @cached_property
    def config(self) -> NetworkConfig:
        """The settings of the network, apart from its blocks."""
        return Settings.from_json(self.settings).network

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Entry":
        """The inverse of :meth:`to_json`."""
        lists = {key: tuple(values[key]) for key in ("blocks", "shape", "mean", "std")}
        results = {key: Measured(**values[key]) for key in ("test", "first")}
        return cls(**{**values, **lists, **results})


def index_file(folder: Path) -> Path:
    """The index in ``folder``."""
    return folder / "index.json"


def read_index(folder: Path = FOLDER) -> tuple[Entry, ...]:
    """All entries; raises :class:`UserError` if the index is damaged."""
    path = index_file(folder)
    try:
        return tuple(map(Entry.from_json, read_stamped(path)["entries"]))
    except (UserError, KeyError, TypeError) as error:
        raise UserError(f"{path} is missing or damaged; {FIX}") from error


def write_index(entries: Sequence[Entry], folder: Path) -> None:
    """Write the index, sorted by name."""
    entries = sorted(entries, key=lambda entry: (entry.network, entry.dataset))
    write_stamped(index_file(folder), {"entries": [entry.to_json() for entry in entries]})


def find_entry(network: str, dataset: str, folder: Path = FOLDER) -> Entry:
    """The weights of a network for a data set.

    Raises :class:`UserError` for unknown names, and if there are no weights.
    """
    entries = read_index(folder)
    for entry in entries:
        if (entry.network, entry.dataset) == (network, dataset):
            return entry
    _ = NETWORKS[network], DATASETS[dataset]
    known = ", ".join(f"{entry.network} for {entry.dataset}" for entry in entries) or "none yet"
    raise UserError(f"no weights of {network} for {dataset} come with autosnn-nni; known: {known}")
