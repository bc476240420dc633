"""The file names in a run's folder, all defined here. This module does not need torch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.formats import read_stamped, without_stamp, write_stamped

#: Blocks of the baselines; each baseline uses one block everywhere (Tables 1 and 8).
BASELINES = ("SCB_k3", "SRB_k3")


@dataclass(frozen=True)
class NetworkFiles:
    """Files that the training of one network writes to the folder ``path``."""

    path: Path

    @property
    def retrained(self) -> Path:
        """The trained network's checkpoint."""
        return self.path / "retrained.ckpt"

    @property
    def retrained_curve(self) -> Path:
        """Its training curve, next to the checkpoint."""
        return self.retrained.with_suffix(".csv")

    @property
    def result(self) -> Path:
        """Its test results, written when training is done."""
        return self.path / "result.json"

    def of_seed(self, seed: int) -> "NetworkFiles":
        """Files of the same network, trained with another seed than the run's."""
        return NetworkFiles(self._seeds / str(seed))

    def by_seed(self, seeds: Iterable[int]) -> dict[int, "NetworkFiles"]:
        """The files of one network by seed; the first seed's are these, without a folder."""
        first, *further = seeds
        return {first: self, **{seed: self.of_seed(seed) for seed in further}}

    def further_seeds(self) -> list["NetworkFiles"]:
        """Those of all seeds but the run's whose training has started."""
        return _networks_in(self._seeds)

    @property
    def _seeds(self) -> Path:
        return self.path / "seeds"

    def copy_to(self, other: "NetworkFiles") -> None:
        """Copy the files of a training that is done; the results last, which say that it is."""
        for name in ("retrained", "retrained_curve", "result"):
            write_whole(getattr(other, name), getattr(self, name).read_bytes())

    def read_result(self) -> dict[str, Any]:
        """Read the test results; raises :class:`UserError` if there are none it can read."""
        result = read_stamped(self.result)
        if not isinstance(result, dict) or not _is_result(result):
            raise UserError(f"{self.result} is broken; restore it, or delete it to test again")
        return result

    def write_result(self, result: dict[str, Any]) -> None:
        """Write the test results."""
        write_stamped(self.result, result)


@dataclass(frozen=True)
class RunFiles(NetworkFiles):
    """Files in the folder ``path`` of a run, whose own network is the winner of the search."""

    @property
    def settings_file(self) -> Path:
        """The settings of the run."""
        return self.path / "settings.json"

    @property
    def lock(self) -> Path:
        """Lock of the process that uses the run."""
        return self.path / ".lock"

    @property
    def data(self) -> Path:
        """What tells the training images from other ones."""
        return self.path / "data.json"

    @property
    def supernet(self) -> Path:
        """The supernet's checkpoint."""
        return self.path / "supernet.ckpt"

    @property
    def supernet_curve(self) -> Path:
        """Its training curve, next to the checkpoint."""
        return self.supernet.with_suffix(".csv")

    @property
    def search_state(self) -> Path:
        """Every evaluated architecture; the search resumes from it."""
        return self.path / "search.json"

    @property
    def candidates(self) -> Path:
        """Every evaluated architecture, as a table."""
        return self.path / "candidates.csv"

    @property
    def generations(self) -> Path:
        """When each generation of the search was scored, as a table."""
        return self.path / "generations.csv"

    @property
    def best(self) -> Path:
        """The winner of a search, written when the search is done."""
        return self.path / "best.json"

    @property
    def closest(self) -> Path:
        """In place of a winner, the architecture closest to constraints that none satisfies."""
        return self.path / "closest.json"

    def searched(self) -> bool:
        """Whether the search is done, with or without a winner."""
        return self.best.exists() or self.closest.exists()

    def has_search(self) -> bool:
        """Whether a search has begun here, even if nothing of it is done but its supernet."""
        return self.supernet.exists() or self.search_state.exists() or self.searched()

    @property
    def origin(self) -> Path:
        """Where the network of `autosnn train` comes from, if that is another run."""
        return self.path / "origin.json"

    @property
    def front(self) -> Path:
        """The Pareto front, as a table."""
        return self.path / "front.csv"

    @property
    def blocks(self) -> Path:
        """What each block at each place is worth on average, as a table."""
        return self.path / "blocks.csv"

    @property
    def layers(self) -> Path:
        """The layers of the winner, as a table."""
        return self.path / "layers.csv"

    @property
    def operations(self) -> Path:
        """The operations of the winner's layers with weights, as a table."""
        return self.path / "operations.csv"

    @property
    def comparison(self) -> Path:
        """The winner and the baselines, as a table."""
        return self.path / "comparison.csv"

    @property
    def finalists_table(self) -> Path:
        """The finalists after training, the winner first."""
        return self.path / "finalists.csv"

    @property
    def report(self) -> Path:
        """The HTML page of the report."""
        return self.path / "report.html"

    @property
    def trust_table(self) -> Path:
        """A sample scored by the supernet and by training from scratch, as a table."""
        return self.path / "trust.csv"

    @property
    def run_log(self) -> Path:
        """What the processes of the run did, line by line."""
        return self.path / "run.log"

    @property
    def tensorboard(self) -> Path:
        """Curves of the trainings and of the search, for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def nni(self) -> Path:
        """The search as an NNI experiment, for the web UI."""
        return self.path / "nni"

    @property
    def _baselines(self) -> Path:
        return self.path / "baselines"

    @property
    def _finalists(self) -> Path:
        return self.path / "finalists"

    @property
    def _figures(self) -> Path:
        return self.path / "figures"

    @property
    def previous(self) -> Path:
        """Folder of the output of earlier searches and trainings."""
        return self.path / "previous"

    def figure(self, name: str) -> Path:
        """A figure of the report."""
        return self._figures / f"{name}.png"

    def baseline(self, block: str) -> NetworkFiles:
        """The baseline with ``block`` in every TBD block."""
        return NetworkFiles(self._baselines / block)

    def baselines(self) -> list[NetworkFiles]:
        """All baselines whose training has started, sorted by name."""
        return _networks_in(self._baselines)

    def kept_plugin(self, number: int) -> Path:
        """The folder with the copy of a plugin, and of what it imports; they count from 1."""
        return self.path / "plugins" / str(number)

    def finalist(self, blocks: Sequence[str]) -> NetworkFiles:
        """An architecture trained from scratch that may become the winner."""
        return NetworkFiles(self._finalists / _folder_name(blocks))

    def finalists(self) -> list[NetworkFiles]:
        """All finalists whose training has started, sorted by name."""
        return _networks_in(self._finalists)

    def judged(self, blocks: Sequence[str]) -> NetworkFiles:
        """An architecture trained from scratch to check the supernet's ranking."""
        return NetworkFiles(self.path / "trust" / _folder_name(blocks))

    def networks(self) -> Iterator[NetworkFiles]:
        """The run's own network, finalists and baselines, each with its further seeds."""
        for files in (self, *self.finalists(), *self.baselines()):
            yield files
            yield from files.further_seeds()

    def outputs(self, stage: str) -> tuple[Path, ...]:
        """Files that a stage writes, in the order in which they are moved when it is repeated."""
        return {
            "supernet": (self.data, self.supernet, self.supernet_curve),
            "search": (self.search_state, self.candidates, self.generations, self.blocks),
            "choice": (self.best, self.closest, self.front),
            "retrain": (
                self.origin,
                self.retrained,
                self.retrained_curve,
                self.result,
                self.layers,
                self.operations,
                self.comparison,
                self._baselines,
                self._finalists,
                self.finalists_table,
                self._seeds,
                self.report,
                self._figures,
            ),
            "seeds": (),
        }[stage]

    def next_previous(self) -> "RunFiles":
        """A new folder for the output of an earlier search or training."""
        numbers = (int(one.name) for one in self.previous.glob("*") if one.name.isdecimal())
        return RunFiles(self.previous / str(1 + max(numbers, default=0)))

    def read_settings(self) -> Any:
        """Read the JSON of the settings, without the file's format and version.

        Raises :class:`UserError` if it can't be read.
        """
        settings = read_stamped(self.settings_file)
        return without_stamp(settings) if isinstance(settings, dict) else settings

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write the JSON of the settings."""
        write_stamped(self.settings_file, settings)

    def read_best(self) -> dict[str, Any]:
        """Read the winner and its scores.

        Raises :class:`UserError` if there is none that it can read.
        """
        best: dict[str, Any] = read_stamped(self.best)
        return best


def _networks_in(folder: Path) -> list[NetworkFiles]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [NetworkFiles(one) for one in found if one.is_dir()]


def _folder_name(blocks: Sequence[str]) -> str:
    """The blocks with ``-`` between them, or ``+`` if one of them contains a ``-``."""
    sign = "+" if any("-" in block for block in blocks) else "-"
    return sign.join(blocks)


def _is_result(result: dict[str, Any]) -> bool:
    """Whether test results have what commands read of them."""
    blocks, numbers = result.get("blocks"), map(result.get, ("accuracy", "spikes", "parameters"))
    return (
        isinstance(blocks, list)
        and all(isinstance(block, str) for block in blocks)
        and all(isinstance(number, int | float) for number in numbers)
        and {"space", "timesteps", "epochs"} <= result.keys()
    )


def not_a_run(files: RunFiles) -> UserError:
    """The error that the folder of ``files`` is not a run's, with the reason."""
    path, reason = files.path, f"it has no {files.settings_file.name}"
    if not path.is_dir():
        reason = "it is not a folder" if path.exists() else "it does not exist"
    return UserError(f"{path} is not a run of autosnn: {reason}; give the --output of a run")
