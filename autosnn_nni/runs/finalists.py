"""Finalists: architectures that are trained before one of them is named the winner."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from autosnn_nni.files import write_whole
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.search_spaces import Architecture, to_sample
from autosnn_nni.strategies import Evaluated, History, Measurements


@dataclass(frozen=True)
class Finalist:
    """A finalist after training; ``rank`` is its place by fitness in the search, from 1 on.

    ``val_accuracy``, ``val_spikes`` and ``fitness`` are on D_val, ``accuracy`` and ``spikes`` on
    the test split: accuracies as fractions, spikes per image. ``violation`` is by how much it
    breaks the run's constraints on D_val, relative to them.
    """

    blocks: Architecture
    rank: int
    val_accuracy: float
    val_spikes: float
    fitness: float
    accuracy: float
    spikes: float
    violation: float = 0.0


def judged(
    run: RunDirectory, chosen: Sequence[Evaluated], history: History, average: float
) -> list[Finalist]:
    """The ``chosen`` architectures of the search, all trained; the winner is the first.

    It has the highest fitness on D_val of those that satisfy the run's constraints there, or comes
    closest to them. The test split has no part in it. ``average`` is the mean cost of the fitness.
    """
    settings = run.settings
    results = {one.blocks: run.finalist(one.blocks).read_result() for one in chosen}
    order = [one.blocks for one in history.top(len(history), settings.constraints)]

    def finalist(blocks: Architecture, result: Mapping[str, Any]) -> Finalist:
        val = Measurements.among(result["val"])
        fitness = settings.fitness.of(val, average)
        rank = 1 + order.index(blocks)
        tested = result["accuracy"], result["spikes"]
        violation = settings.constraints.violation(val)
        return Finalist(blocks, rank, val.accuracy, val.spikes, fitness, *tested, violation)

    found = (finalist(*item) for item in results.items())
    return sorted(found, key=lambda one: (one.violation, -one.fitness))


def write_finalists(files: RunFiles, finalists: Sequence[Finalist]) -> None:
    """Write the table of the finalists, the winner first."""
    rows = []
    for one in finalists:
        row = asdict(one)
        rows.append({**to_sample(row.pop("blocks")), **row})
    write_whole(files.finalists_table, pd.DataFrame(rows).to_csv(index=False))
