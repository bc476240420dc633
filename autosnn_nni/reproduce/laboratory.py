"""Trainings and searches, each in a run directory of its own and done once.

Recipes share them: the same network trained with the same settings is the same run. One that was
interrupted goes on, and another process that needs it at the same time waits for it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from autosnn_nni.files import write_whole
from autosnn_nni.pipeline import Pipeline
from autosnn_nni.runs.directory import locked, open_run
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.settings import Settings
from autosnn_nni.runs.supernet_scorer import SupernetScorer
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Choices

Values = Mapping[str, Any]

#: What a supernet's training does not depend on.
_OF_SEARCHES = ("strategy", "lambda", "discounting", "rounds")
#: What the training of a single network does not depend on.
_OF_SUPERNETS = ("candidates", "supernet_epochs", *_OF_SEARCHES)
#: What a run's folder says in so many words, asked for or by default.
_NAMED = ("space", "neuron", "dataset", "channels", "timesteps", "seed")


@dataclass(frozen=True)
class Laboratory:
    """The runs below ``path``; settings are those of ``autosnn search``, by their names.

    The files of a data set are those of the folder that has its name, if the data folder has one.
    """

    path: Path
    machine: Machine

    def train(self, values: Values, blocks: Sequence[str]) -> dict[str, Any]:
        """The ``result.json`` of a network trained from scratch."""
        own = _without(values, *_OF_SUPERNETS)
        with self._run("trained", own, blocks) as pipeline:
            pipeline.train(blocks)
        return pipeline.run.read_result()

    def search(self, values: Values) -> Architecture:
        """The best architecture of a search. Those that differ in nothing else share a supernet."""
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
        own = _without(values, "retrain_epochs", *_OF_SEARCHES)
        with self._run("supernets", own) as pipeline:
            pipeline.supernet()
        return pipeline

    @contextmanager
    def _run(self, kind: str, values: Values, blocks: Sequence[str] = ()) -> Iterator[Pipeline]:
        settings = Settings.named(values)
        path = self.path / kind / _folder(settings, values, blocks)
        with locked(path, wait=True):
            yield Pipeline(open_run(path, vars(settings)), self._machine(settings.dataset))

    def _machine(self, dataset: str) -> Machine:
        folder = self.machine.data_dir
        if folder is not None and (folder / dataset).is_dir():
            return replace(self.machine, data_dir=folder / dataset)
        return self.machine


def random_architectures(values: Values, count: int) -> list[Architecture]:
    """Different random architectures of the space, by the seed."""
    settings = Settings.named(values)
    choices = Choices([settings.candidates] * settings.network.macro.tbd_blocks)
    return choices.unseen(Random(f"sample/{settings.seed}"), count, set())


def _without(values: Values, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}


def _folder(settings: Settings, values: Values, blocks: Sequence[str]) -> str:
    """A name to read, and a digest of what else was asked for."""
    asked = json.dumps([_without(values, *_NAMED), list(blocks)], sort_keys=True).encode()
    alike = len(set(blocks)) == 1
    parts = (
        settings.space,
        *(blocks[:1] if alike else blocks),
        settings.neuron,
        settings.dataset,
        f"C{settings.channels}",
        f"T{settings.timesteps}",
        f"seed{settings.seed}",
        hashlib.sha256(asked).hexdigest()[:8],
    )
    return "-".join(parts)
