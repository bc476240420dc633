"""Trainings and searches, each done once in its own run directory.

Recipes share them: the same network trained with the same settings is the same run. An interrupted
run is resumed, and another process that needs it at the same time waits for it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from autosnn_nni.files import write_whole
from autosnn_nni.pipeline import Pipeline
from autosnn_nni.runs.checks import check_blocks, check_memory
from autosnn_nni.runs.directory import RunDirectory, check_writable, locked, open_run
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.settings import Settings
from autosnn_nni.runs.supernet_scorer import SupernetScorer
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Choices

Values = Mapping[str, Any]

#: Settings that do not affect the training of a supernet.
_SEARCH_ONLY = ("strategy", "lambda", "discounting", "rounds")
#: Settings that do not affect the training of a single network.
_SUPERNET_ONLY = ("candidates", "supernet_epochs", *_SEARCH_ONLY)
#: Settings that are part of a run's folder name, given or default.
_IN_FOLDER_NAME = ("space", "neuron", "dataset", "channels", "timesteps", "seed")


@dataclass(frozen=True)
class Laboratory:
    """The runs in ``path``; settings are those of ``autosnn search``, by name.

    If the data folder has a folder with the name of a data set, its files are read from there.
    """

    path: Path
    machine: Machine
    #: The data sets that have been read, with their numbers of training images.
    _read: dict[tuple[Any, ...], int] = field(default_factory=dict, compare=False)

    def check(self, values: Values, blocks: Sequence[str] | None = None) -> None:
        """Check settings, ``blocks``, devices and folders, and read the data; writes nothing.

        Each data set is read once. Raises :class:`UserError` if something is wrong or not there.
        """
        settings = Settings.named(values)
        chosen = None if blocks is None else settings.network.check(blocks)
        check_writable(self.path)
        data = (settings.dataset, settings.images, settings.timesteps)
        pipeline = Pipeline(RunDirectory(self.path, settings), self._machine(settings.dataset))
        if data in self._read:
            check_blocks(pipeline.run, chosen)
            check_memory(pipeline.run, self.machine, chosen, self._read[data])
        else:
            pipeline.check(chosen)
            self._read[data] = len(pipeline.data.train)

    def train(self, values: Values, blocks: Sequence[str]) -> dict[str, Any]:
        """Train a network from scratch; returns its ``result.json``."""
        own = _without(values, *_SUPERNET_ONLY)
        with self._run("trained", own, blocks) as pipeline:
            pipeline.train(blocks)
        return pipeline.run.read_result()

    def search(self, values: Values) -> Architecture:
        """The best architecture of a search; searches with the same supernet settings share one."""
        own = _without(values, "retrain_epochs")
        supernet = self._supernet(values) if Settings.named(own).needs_supernet else None
        with self._run("searched", own) as pipeline:
            if supernet and not pipeline.run.supernet.exists():
                write_whole(pipeline.run.supernet, supernet.run.supernet.read_bytes())
            pipeline.search()
        return tuple(pipeline.run.read_best()["blocks"])

    def score(self, values: Values, blocks: Architecture) -> dict[str, Any]:
        """``accuracy`` and ``spikes`` on D_val with the weights of the supernet."""
        supernet = self._supernet(values)
        scorer = SupernetScorer(supernet.run, supernet.machine)
        result = scorer.evaluate(scorer.network(blocks))
        return {"accuracy": result.accuracy, "spikes": result.spikes}

    def _supernet(self, values: Values) -> Pipeline:
        own = _without(values, "retrain_epochs", *_SEARCH_ONLY)
        with self._run("supernets", own) as pipeline:
            pipeline.supernet()
        return pipeline

    @contextmanager
    def _run(self, kind: str, values: Values, blocks: Sequence[str] = ()) -> Iterator[Pipeline]:
        settings = Settings.named(values)
        path = self.path / kind / _folder(settings, values, blocks)
        with locked(path, wait=True):
            run = open_run(path, Settings.arguments(values))
            yield Pipeline(run, self._machine(settings.dataset))

    def _machine(self, dataset: str) -> Machine:
        folder = self.machine.data_dir
        if folder is not None and (folder / dataset).is_dir():
            return replace(self.machine, data_dir=folder / dataset)
        return self.machine


def random_architectures(values: Values, count: int) -> list[Architecture]:
    """Different random architectures of the space, drawn with the seed."""
    settings = Settings.named(values)
    choices = Choices([settings.candidates] * settings.network.macro.tbd_blocks)
    return choices.unseen(Random(f"sample/{settings.seed}"), count, set())


def _without(values: Values, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}


def _folder(settings: Settings, values: Values, blocks: Sequence[str]) -> str:
    """A readable name, with a digest of the other settings that were given."""
    given = json.dumps([_without(values, *_IN_FOLDER_NAME), list(blocks)], sort_keys=True).encode()
    same = len(set(blocks)) == 1
    parts = (
        settings.space,
        *(blocks[:1] if same else blocks),
        settings.neuron,
        settings.dataset,
        f"C{settings.channels}",
        f"T{settings.timesteps}",
        f"seed{settings.seed}",
        hashlib.sha256(given).hexdigest()[:8],
    )
    return "-".join(parts)
