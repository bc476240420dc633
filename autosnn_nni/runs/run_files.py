"""The file names in a run's folder, all defined here. This module does not need torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosnn_nni.files import read_json, write_json


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

    def read_result(self) -> dict[str, Any]:
        """Read the test results; raises :class:`UserError` if there are none."""
        result: dict[str, Any] = read_json(self.result)
        return result

    def write_result(self, result: dict[str, Any]) -> None:
        """Write the test results."""
        write_json(self.result, result)


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
    def best(self) -> Path:
        """The best architecture of a search, written when the search is done."""
        return self.path / "best.json"

    @property
    def front(self) -> Path:
        """The Pareto front, as a table."""
        return self.path / "front.csv"

    @property
    def layers(self) -> Path:
        """The layers of the winner, as a table."""
        return self.path / "layers.csv"

    @property
    def comparison(self) -> Path:
        """The winner and the baselines, as a table."""
        return self.path / "comparison.csv"

    @property
    def report(self) -> Path:
        """The HTML page of the report."""
        return self.path / "report.html"

    @property
    def trust_table(self) -> Path:
        """A sample scored by the supernet and by training from scratch, as a table."""
        return self.path / "trust.csv"

    @property
    def nni(self) -> Path:
        """The search as an NNI experiment, for the web UI."""
        return self.path / "nni"

    @property
    def _baselines(self) -> Path:
        return self.path / "baselines"

    @property
    def _figures(self) -> Path:
        return self.path / "figures"

    @property
    def _previous(self) -> Path:
        return self.path / "previous"

    def figure(self, name: str) -> Path:
        """A figure of the report."""
        return self._figures / f"{name}.png"

    def baseline(self, block: str) -> NetworkFiles:
        """The baseline with ``block`` in every TBD block."""
        return NetworkFiles(self._baselines / block)

    def baselines(self) -> list[NetworkFiles]:
        """All baselines whose training has started, sorted by name."""
        found = sorted(self._baselines.iterdir()) if self._baselines.is_dir() else []
        return [NetworkFiles(folder) for folder in found if folder.is_dir()]

    def judged(self, blocks: Sequence[str]) -> NetworkFiles:
        """An architecture trained from scratch to check the supernet's ranking."""
        return NetworkFiles(self.path / "trust" / "-".join(blocks))

    def networks(self) -> Iterator[NetworkFiles]:
        """The run's own network and the baselines."""
        yield self
        yield from self.baselines()

    def outputs(self, stage: str) -> tuple[Path, ...]:
        """Files that a stage writes, in the order in which they are moved when it is repeated."""
        return {
            "supernet": (self.supernet, self.supernet_curve),
            "search": (self.search_state, self.candidates),
            "choice": (self.best, self.front),
            "retrain": (
                self.retrained,
                self.retrained_curve,
                self.result,
                self.layers,
                self.comparison,
                self._baselines,
                self.report,
                self._figures,
            ),
        }[stage]

    def next_previous(self) -> "RunFiles":
        """A new folder for the output of an earlier search or training."""
        count = len(list(self._previous.glob("*")))
        return RunFiles(self._previous / str(1 + count))

    def read_settings(self) -> Any:
        """Read the JSON of the settings; raises :class:`UserError` if it can't be read."""
        return read_json(self.settings_file)

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write the JSON of the settings."""
        write_json(self.settings_file, settings)

    def read_best(self) -> dict[str, Any]:
        """Read the best architecture and its scores; raises :class:`UserError` if there is none."""
        best: dict[str, Any] = read_json(self.best)
        return best

    def write_best(self, best: dict[str, Any]) -> None:
        """Write the best architecture and its scores."""
        write_json(self.best, best)
