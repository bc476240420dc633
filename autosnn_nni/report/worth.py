"""What each block at each place is worth on average. Nothing is drawn here."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autosnn_nni.report.search import costs
from autosnn_nni.runs.contents import Candidate, RunContents
from autosnn_nni.search_spaces import split_timesteps
from autosnn_nni.search_spaces.architecture import labels
from autosnn_nni.strategies import Objective


@dataclass(frozen=True)
class Worth:
    """By how much the means of the ``count`` architectures with a block at a place differ from all.

    The ``cost`` is the first of the run; what is not known is NaN.
    """

    place: str
    block: str
    count: int
    fitness: float
    accuracy: float
    cost: float


def worths(run: RunContents) -> list[Worth]:
    """The worth of every block at every place where it was evaluated, place by place."""
    cost = costs(run)[0]
    of_all = _means(run.candidates, cost)
    found = []
    for place, block, group in _groups(run.candidates):
        pairs = zip(_means(group, cost), of_all, strict=True)
        found.append(Worth(place, block, len(group), *(mean - whole for mean, whole in pairs)))
    return found


def _groups(candidates: Sequence[Candidate]) -> Iterable[tuple[str, str, list[Candidate]]]:
    """The architectures that have a block at a place."""
    blocks_of = [split_timesteps(one.blocks)[0] for one in candidates]
    for index, place in enumerate(labels(len(blocks_of[0])) if blocks_of else ()):
        for block in sorted({blocks[index] for blocks in blocks_of}):
            pairs = zip(candidates, blocks_of, strict=True)
            yield place, block, [one for one, blocks in pairs if blocks[index] == block]


def _means(group: Sequence[Candidate], cost: Objective) -> tuple[float, float, float]:
    return (
        _mean(one.fitness for one in group),
        _mean(one.accuracy for one in group),
        _mean(cost.value(one) for one in group),
    )


def _mean(values: Iterable[float]) -> float:
    """The mean of what is known and finite: without spikes, the fitness is infinite."""
    known = [value for value in values if math.isfinite(value)]
    return statistics.fmean(known) if known else math.nan
