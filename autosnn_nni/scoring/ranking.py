"""How well two rankings of the same architectures agree: Kendall's tau."""

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from autosnn_nni.numbers import DASH, format_tau
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import OBJECTIVES

#: Number of bootstrap resamples.
_RESAMPLES = 2000
#: Minimum number of architectures; fewer have no meaningful ranking.
_MINIMUM = 3
#: The same for a confidence interval: resamples of fewer are often all alike.
FOR_INTERVAL = 5


@dataclass(frozen=True)
class Judged:
    """Results of an architecture: by the supernet on D_val, trained from scratch on the test split.

    Accuracies are fractions; spikes are per image.
    """

    blocks: Architecture
    supernet_accuracy: float
    supernet_spikes: float
    accuracy: float
    spikes: float


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau-b over ``count`` architectures: 1 is the same order, 0 chance, -1 reversed.

    ``low`` and ``high`` are its 95 % confidence interval, by bootstrap over the architectures, and
    NaN for too few of them. All are NaN if a ranking has no order.
    """

    count: int
    tau: float
    low: float
    high: float


def agreement(one: Sequence[float], other: Sequence[float]) -> Agreement:
    """How well the order of ``one`` agrees with that of ``other``."""
    count = len(one)
    if count < _MINIMUM:
        return Agreement(count, math.nan, math.nan, math.nan)
    if count < FOR_INTERVAL:
        return Agreement(count, _tau(one, other), math.nan, math.nan)
    with warnings.catch_warnings(action="ignore"):  # from resamples without an order
        bootstrap = stats.bootstrap(
            (one, other),
            _tau,
            paired=True,
            vectorized=False,
            n_resamples=_RESAMPLES,
            method="percentile",
            rng=0,
        )
        low, high = np.nanpercentile(bootstrap.bootstrap_distribution, (2.5, 97.5))
        return Agreement(count, _tau(one, other), float(low), float(high))


def format_interval(found: Agreement) -> str:
    """The confidence interval as text, or why there is none."""
    if found.count < FOR_INTERVAL:
        return "too few"
    if math.isnan(found.low):
        return DASH
    return f"{format_tau(found.low)} to {format_tau(found.high)}"


def _tau(one: Sequence[float], other: Sequence[float]) -> float:
    return float(stats.kendalltau(one, other).statistic)


def best_fifth(judged: Iterable[Judged]) -> list[Judged]:
    """The fifth (rounded up) with the highest accuracy when trained from scratch."""
    ordered = sorted(judged, key=lambda one: -one.accuracy)
    return ordered[: math.ceil(len(ordered) / 5)]


def agreements(judged: Sequence[Judged]) -> dict[tuple[str, str], Agreement]:
    """Results by objective (``accuracy``, ``spikes``) and subset (``all``, ``best fifth``)."""
    groups = {"all": judged, "best fifth": best_fifth(judged)}
    return {
        (objective.name, subset): agreement(
            [getattr(one, f"supernet_{objective.name}") for one in group],
            [getattr(one, objective.name) for one in group],
        )
        for objective in OBJECTIVES
        for subset, group in groups.items()
    }
