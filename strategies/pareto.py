"""The Pareto front of several objectives, its knee, and its hypervolume."""

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from autosnn_nni.strategies.measurements import Measurements
from autosnn_nni.strategies.objectives import ACCURACY, BOTH, SPIKES, Objective


class Scored(Protocol):
    """Anything with an accuracy (fraction) and spikes per image."""

    @property
    def accuracy(self) -> float:
        """Higher is better; NaN if unknown."""
        ...

    @property
    def spikes(self) -> float:
        """Lower is better."""
        ...


One = TypeVar("One", bound=Measurements)


def pareto_front(costs: Sequence[Sequence[float]]) -> list[int]:
    """Indices of the rows of ``costs`` that no other row dominates, sorted by the costs.

    A row dominates another if none of its costs is higher and the two differ. Equal rows are on the
    front together; a row with NaN never is.

    >>> pareto_front([(300.0, -0.9), (400.0, -0.8), (100.0, -0.7)])
    [2, 0]
    """
    valid = [i for i, row in enumerate(costs) if not any(map(math.isnan, row))]
    order = sorted(valid, key=lambda i: tuple(costs[i]))
    rows = np.array([costs[i] for i in order], dtype=float)
    front: list[int] = []
    for place in range(len(order)):
        # A later row can't dominate: it is higher in the first cost in which the two differ.
        found = rows[front]
        dominated = (found <= rows[place]).all(1) & (found < rows[place]).any(1)
        if not dominated.any():
            front.append(place)
    return [order[place] for place in front]


def front_of(scored: Sequence[One], objectives: Sequence[Objective] = BOTH) -> list[One]:
    """The Pareto front, sorted by the first objective of which less is better."""
    ordered = sorted(objectives, key=lambda one: one.maximised)
    return [
        scored[i] for i in pareto_front([[each.cost(one) for each in ordered] for one in scored])
    ]


def knee(scored: Sequence[One], cost: Objective = SPIKES) -> One | None:
    """The knee of the front of accuracy and ``cost``: farthest above the chord between its ends.

    Das's rule (1999) on accuracy and the logarithm of the cost. It does not depend on the units of
    either, and ratios of the cost count, as in Eq. 3. A front that is nowhere above the chord gives
    its most accurate end, a front without a cost ``None``.
    """
    front = [one for one in front_of(scored, (ACCURACY, cost)) if cost.value(one) > 0]
    if not front:
        return None
    first, last = front[0], front[-1]
    width = math.log(cost.value(last) / cost.value(first))

    def bulge(one: One) -> tuple[float, float]:
        fraction = math.log(cost.value(one) / cost.value(first)) / width if width else 0.0
        chord = (1 - fraction) * first.accuracy + fraction * last.accuracy
        return one.accuracy - chord, one.accuracy

    return max(front, key=bulge)


class HypervolumeShare:
    """The hypervolume of what was found, as a share of that of ``front``.

    Accuracy and spikes are scaled so that the front's best is 0 and its worst 1; the reference
    point is (1.1, 1.1).
    """

    def __init__(self, front: Sequence[Scored]) -> None:
        # Imported here, because importing pymoo takes longer than most commands.
        from pymoo.indicators.hv import HV

        costs = _costs(front)
        self._best = costs.min(0)
        width = costs.max(0) - self._best
        self._width = np.where(width > 0, width, 1.0)
        self._hypervolume = HV(ref_point=np.full(2, 1.1))
        self._whole = self._of(front)

    def __call__(self, found: Sequence[Scored]) -> float:
        """1 for the whole front."""
        return self._of(found) / self._whole

    def _of(self, found: Sequence[Scored]) -> float:
        return float(self._hypervolume((_costs(found) - self._best) / self._width))


def _costs(scored: Sequence[Scored]) -> np.ndarray:
    """Both to be minimised."""
    return np.array([(-one.accuracy, one.spikes) for one in scored])
