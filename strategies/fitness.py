"""Spike-aware fitness (paper Eq. 3 and the linear form below it).

To add a discounting, write one function and one ``DISCOUNTING.add`` line.
"""

from collections.abc import Callable
from dataclasses import dataclass

from autosnn_nni.errors import UserError
from autosnn_nni.registry import Registry

#: Far below any useful value; the discount of a lower lambda would overflow a float.
LOWEST = -100

#: N / N_avg above that of any network: a silent one counts as wrong everywhere with so many spikes.
_MOST = 1e6

Discounting = Callable[[float, float, float], float]
DISCOUNTING: Registry[Discounting] = Registry("discounting")


def exponential(accuracy: float, relative_spikes: float, coefficient: float) -> float:
    """``accuracy x (N / N_avg)^lambda`` (Eq. 3)."""
    return float(accuracy * relative_spikes**coefficient)


def linear(accuracy: float, relative_spikes: float, coefficient: float) -> float:
    """``accuracy + lambda (N / N_avg)``: the paper's lambda' is ``-lambda`` here."""
    return accuracy + coefficient * relative_spikes


DISCOUNTING.add("exponential", exponential)
DISCOUNTING.add("linear", linear)


@dataclass(frozen=True)
class Fitness:
    """Fitness of an architecture from its accuracy (fraction) and its spikes per image.

    ``coefficient`` is lambda, at most 0; the lower it is, the more the search prefers few spikes.
    Raises :class:`UserError` for any other value.
    """

    coefficient: float = -0.08
    discounting: str = "exponential"

    def __post_init__(self) -> None:
        if not LOWEST <= self.coefficient <= 0:
            raise UserError(f"lambda must be from {LOWEST} to 0, not {self.coefficient}")
        DISCOUNTING[self.discounting]

    def __call__(self, accuracy: float, spikes: float, n_avg: float) -> float:
        """``n_avg`` is the mean spikes per image over the supernet's sampled paths.

        A network that never fires gives no answer, and has the lowest fitness of all: 0 with
        exponential discounting, ``1e6 lambda`` with linear, which is finite for files and NNI. The
        fitness of a network without spiking neurons (``n_avg`` 0) is its accuracy.
        """
        if n_avg == 0:
            return accuracy
        if spikes == 0:
            return DISCOUNTING[self.discounting](0.0, _MOST, self.coefficient)
        return DISCOUNTING[self.discounting](accuracy, spikes / n_avg, self.coefficient)
