"""Spike-aware fitness (paper Eq. 3 and the linear form below it), and that of other costs.

To add a discounting, write one function and one ``DISCOUNTING.add`` line.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from autosnn_nni.errors import UserError
from autosnn_nni.registry import Registry
from autosnn_nni.strategies.measurements import Measurements
from autosnn_nni.strategies.objectives import Objective, find_objective

#: Far below any useful value.
LOWEST = -100

#: N / N_avg above that of any network: a silent one counts as wrong everywhere with so many spikes.
_MOST = 1e6

Discounting = Callable[[float, float, float], float]
DISCOUNTING: Registry[Discounting] = Registry("discounting")


def exponential(accuracy: float, relative_cost: float, coefficient: float) -> float:
    """``accuracy x (N / N_avg)^lambda`` (Eq. 3), or the highest number if that is too high."""
    if not accuracy:
        return 0.0  # times a number that may be too high
    try:
        return float(accuracy * relative_cost**coefficient)
    except OverflowError:
        return sys.float_info.max


def linear(accuracy: float, relative_cost: float, coefficient: float) -> float:
    """``accuracy + lambda (N / N_avg)``: the paper's lambda' is ``-lambda`` here."""
    return accuracy + coefficient * relative_cost


DISCOUNTING.add("exponential", exponential)
DISCOUNTING.add("linear", linear)


@dataclass(frozen=True)
class Fitness:
    """Fitness of an architecture from its accuracy (fraction) and its ``cost``: spikes per image.

    The cost may be any other objective of which less is better, by its name. ``coefficient`` is
    lambda, at most 0; the lower it is, the more the search prefers low costs. Raises
    :class:`UserError` for any other value.
    """

    coefficient: float = -0.08
    discounting: str = "exponential"
    cost: str = "spikes"

    def __post_init__(self) -> None:
        if not LOWEST <= self.coefficient <= 0:
            raise UserError(f"lambda must be from {LOWEST} to 0, not {self.coefficient}")
        DISCOUNTING[self.discounting]
        if self.objective.maximised:
            raise UserError(f"the fitness needs a cost of which less is better, not {self.cost}")
        if self.objective.timed:
            raise UserError(
                f"the fitness can't have the cost {self.cost}, whose average over the supernet's "
                "paths is not known; make it a constraint or an objective"
            )

    @property
    def objective(self) -> Objective:
        """The cost."""
        return find_objective(self.cost)

    def __call__(self, accuracy: float, cost: float, average: float) -> float:
        """Eq. 3; ``average`` is the cost of the supernet's sampled paths: N_avg, for spikes.

        A network that never fires gives no answer, and has the lowest fitness of all: 0 with
        exponential discounting, ``1e6 lambda`` with linear, which is finite for files and NNI. The
        fitness of a network without spiking neurons (``average`` 0) is its accuracy. Raises
        :class:`UserError` if one of the costs is below 0, which only an own objective can be.
        """
        if cost < 0 or average < 0:
            raise UserError(
                f"the fitness needs a cost of at least 0, but {self.cost} is "
                f"{min(cost, average):g}; make it an objective or a constraint"
            )
        if average == 0:
            return accuracy
        if cost == 0:
            return DISCOUNTING[self.discounting](0.0, _MOST, self.coefficient)
        return DISCOUNTING[self.discounting](accuracy, cost / average, self.coefficient)

    def of(self, one: Measurements, average: float) -> float:
        """The fitness of what was measured of an architecture."""
        return self(one.accuracy, self.objective.value(one), average)
