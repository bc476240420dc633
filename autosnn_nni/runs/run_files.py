"""The files of a run's folder: every name stands here alone. Nothing here needs torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosnn_nni.files import read_json, write_json


@dataclass(frozen=True)
class NetworkFiles:
    """What the training of one network leaves in the folder ``path``."""

    path: Path

    @property
    def retrained(self) -> Path:
        """The trained network's checkpoint."""
        return self.path / "retrained.ckpt"

    @property
    def retrained_curve(self) -> Path:
        """Its training curve, beside the checkpoint."""
        return self.retrained.with_suffix(".csv")

    @property
    def result(self) -> Path:
        """Its test results: there when it is trained."""
        return self.path / "result.json"

    def read_result(self) -> dict[str, Any]:
        """The test results; raises :class:`UserError` where there are none."""
        result: dict[str, Any] = read_json(self.result)
        return result

    def write_result(self, result: dict[str, Any]) -> None:
        """Write the test results."""
        write_json(self.result, result)


@dataclass(frozen=True)
class RunFiles(NetworkFiles):
    """What is in the folder ``path`` of a run; its own network is the winner of its search."""

    @property
    def settings_file(self) -> Path:
        """What the run was told."""
        return self.path / "settings.json"

    @property
    def lock(self) -> Path:
        """Held by the process that works on the run."""
        return self.path / ".lock"

    @property
    def supernet(self) -> Path:
        """The supernet's checkpoint."""
        return self.path / "supernet.ckpt"

    @property
    def supernet_curve(self) -> Path:
        """Its training curve, beside the checkpoint."""
        return self.supernet.with_suffix(".csv")

    @property
    def search_state(self) -> Path:
        """Every evaluated architecture: all that a search needs to resume."""
        return self.path / "search.json"

    @property
    def candidates(self) -> Path:
        """The same as a table."""
        return self.path / "candidates.csv"

    @property
    def best(self) -> Path:
        """The best architecture of a search: there when the search is done."""
        return self.path / "best.json"

    @property
    def front(self) -> Path:
        """The Pareto front as a table."""
        return self.path / "front.csv"

    @property
    def layers(self) -> Path:
        """The winner layer by layer, as a table."""
        return self.path / "layers.csv"

    @property
    def comparison(self) -> Path:
        """The winner and the baselines as a table."""
        return self.path / "comparison.csv"

    @property
    def report(self) -> Path:
        """The report's page."""
        return self.path / "report.html"

    @property
    def trust_table(self) -> Path:
        """A sample of architectures by the supernet and trained from scratch, as a table."""
        return self.path / "trust.csv"

    @property
    def nni(self) -> Path:
        """The search as an experiment of NNI, for its web UI."""
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
        """A picture of the report."""
        return self._figures / f"{name}.png"

    def baseline(self, block: str) -> NetworkFiles:
        """The space filled with ``block`` throughout."""
        return NetworkFiles(self._baselines / block)

    def baselines(self) -> list[NetworkFiles]:
        """All baselines whose training has begun, by name."""
        found = sorted(self._baselines.iterdir()) if self._baselines.is_dir() else []
        return [NetworkFiles(folder) for folder in found if folder.is_dir()]

    def judged(self, blocks: Sequence[str]) -> NetworkFiles:
        """An architecture that was trained from scratch to judge the supernet."""
        return NetworkFiles(self.path / "trust" / "-".join(blocks))

    def networks(self) -> Iterator[NetworkFiles]:
        """The run's own network and the baselines."""
        yield self
        yield from self.baselines()

    def outputs(self, stage: str) -> tuple[Path, ...]:
        """What a stage writes, in the order in which a repeated stage moves it away."""
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
        """A new folder for what an earlier search or training has written."""
        count = len(list(self._previous.glob("*")))
        return RunFiles(self._previous / str(1 + count))

    def read_settings(self) -> Any:
        """The JSON of the settings; raises :class:`UserError` where it can't be read."""
        return read_json(self.settings_file)

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write the JSON of the settings."""
        write_json(self.settings_file, settings)

    def read_best(self) -> dict[str, Any]:
        """The best architecture and its scores; raises :class:`UserError` where there is none."""
        best: dict[str, Any] = read_json(self.best)
        return best

    def write_best(self, best: dict[str, Any]) -> None:
        """Write the best architecture and its scores."""
        write_json(self.best, best)
