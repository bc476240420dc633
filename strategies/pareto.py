"""The Pareto front of accuracy and spikes, and its knee."""

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Scored(Protocol):
    """Whatever has an accuracy (fraction) and spikes per image."""

    @property
    def accuracy(self) -> float:
        """The higher, the better; NaN where it is not known."""
        ...

    @property
    def spikes(self) -> float:
        """The lower, the better."""
        ...


One = TypeVar("One", bound=Scored)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the ``(accuracy, spikes)`` pairs that no other pair dominates, by spikes.

    A pair dominates another when its accuracy is no lower, its spikes are no higher and the two
    differ. Equal pairs are on the front together; a pair with a NaN never is.

    >>> pareto_front([(0.9, 300.0), (0.8, 400.0), (0.7, 100.0)])
    [2, 0]
    """
    numbers = [i for i, point in enumerate(points) if not any(map(math.isnan, point))]
    front: list[int] = []
    for index in sorted(numbers, key=lambda i: (points[i][1], -points[i][0])):
        last = points[front[-1]] if front else None
        if last is None or points[index][0] > last[0] or points[index] == last:
            front.append(index)
    return front


def front_of(scored: Sequence[One]) -> list[One]:
    """The Pareto front, by spikes."""
    return [scored[i] for i in pareto_front([(one.accuracy, one.spikes) for one in scored])]


def knee(scored: Sequence[One]) -> One | None:
    """The point of the front that bulges most: the farthest above the chord between its ends.

    Das's rule (1999) over accuracy and the logarithm of spikes: it doesn't depend on the units of
    either, and ratios of spikes count, as in Eq. 3. A front without a bulge gives its most accurate
    end, one without spikes ``None``.
    """
    front = [one for one in front_of(scored) if one.spikes > 0]
    if not front:
        return None
    first, last = front[0], front[-1]
    width = math.log(last.spikes / first.spikes)

    def bulge(one: Scored) -> tuple[float, float]:
        part = math.log(one.spikes / first.spikes) / width if width else 0.0
        chord = (1 - part) * first.accuracy + part * last.accuracy
        return one.accuracy - chord, one.accuracy

    return max(front, key=bulge)
