"""The Pareto front of accuracy and spikes, its knee, and its hypervolume."""

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np


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


One = TypeVar("One", bound=Scored)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the ``(accuracy, spikes)`` pairs that no other pair dominates, sorted by spikes.

    A pair dominates another if its accuracy is not lower, its spikes are not higher and the two
    differ. Equal pairs are on the front together; a pair with NaN never is.

    >>> pareto_front([(0.9, 300.0), (0.8, 400.0), (0.7, 100.0)])
    [2, 0]
    """
    valid = [i for i, point in enumerate(points) if not any(map(math.isnan, point))]
    front: list[int] = []
    for index in sorted(valid, key=lambda i: (points[i][1], -points[i][0])):
        last = points[front[-1]] if front else None
        if last is None or points[index][0] > last[0] or points[index] == last:
            front.append(index)
    return front


def front_of(scored: Sequence[One]) -> list[One]:
    """The Pareto front, sorted by spikes."""
    return [scored[i] for i in pareto_front([(one.accuracy, one.spikes) for one in scored])]


def knee(scored: Sequence[One]) -> One | None:
    """The knee of the front: the point farthest above the chord between the front's ends.

    Das's rule (1999) on accuracy and the logarithm of spikes. It does not depend on the units of
    either, and ratios of spikes count, as in Eq. 3. A front that is nowhere above the chord gives
    its most accurate end, a front without spikes ``None``.
    """
    front = [one for one in front_of(scored) if one.spikes > 0]
    if not front:
        return None
    first, last = front[0], front[-1]
    width = math.log(last.spikes / first.spikes)

    def bulge(one: Scored) -> tuple[float, float]:
        fraction = math.log(one.spikes / first.spikes) / width if width else 0.0
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
