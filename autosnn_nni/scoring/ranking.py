"""How well two rankings of the same architectures agree: Kendall's tau, and its ceiling.

Two trainings of the same architectures with different seeds don't rank them alike. So even a
perfect predictor can't agree with them wholly. If two seeds correlate with r, it correlates with
the mean of k seeds at ``sqrt(k r / (1 + (k - 1) r))`` (Spearman 1910, Brown 1910). For normal noise
``tau = 2/pi asin(r)``, in both directions.
"""

import itertools
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from autosnn_nni.numbers import DASH, format_tau
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import BOTH

#: Number of bootstrap resamples.
_RESAMPLES = 2000
#: Minimum number of architectures; fewer have no meaningful ranking.
_MINIMUM = 3
#: The same for a confidence interval: resamples of fewer are often all alike.
FOR_INTERVAL = 5


@dataclass(frozen=True)
class Judged:
    """Results of an architecture: by the supernet on D_val, trained from scratch on the test split.

    Accuracies are fractions; spikes are per image. ``accuracy`` and ``spikes`` are means over the
    seeds, ``of_seeds`` has both for each seed.
    """

    blocks: Architecture
    supernet_accuracy: float
    supernet_spikes: float
    accuracy: float
    spikes: float
    of_seeds: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(
        cls,
        blocks: Architecture,
        supernet: tuple[float, float],
        seeds: Sequence[tuple[float, float]],
    ) -> "Judged":
        """Make it from the supernet's accuracy and spikes, and those of every training."""
        accuracy, spikes = (fmean(numbers) for numbers in zip(*seeds, strict=True))
        return cls(blocks, *supernet, accuracy, spikes, tuple(seeds))


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau-b over ``count`` architectures: 1 is the same order, 0 chance, -1 reversed.

    ``low`` and ``high`` are its 95 % confidence interval, by bootstrap over the architectures, and
    NaN for too few of them. All are NaN if a ranking has no order. ``ceiling`` is the tau of a
    perfect predictor, NaN if the noise is not known.
    """

    count: int
    tau: float
    low: float
    high: float
    ceiling: float = math.nan

    @property
    def share(self) -> float:
        """The share of the ceiling that is reached; NaN without one."""
        return self.tau / self.ceiling if self.ceiling > 0 else math.nan


def tau(one: Sequence[float], other: Sequence[float]) -> float:
    """Kendall's tau-b of two rankings; NaN if one has no order."""
    from scipy import stats  # here, because it is slow to import

    return float(stats.kendalltau(one, other).statistic)


def agreement(one: Sequence[float], other: Sequence[float]) -> Agreement:
    """How well the order of ``one`` agrees with that of ``other``."""
    count = len(one)
    if count < _MINIMUM:
        return Agreement(count, math.nan, math.nan, math.nan)
    if count < FOR_INTERVAL:
        return Agreement(count, tau(one, other), math.nan, math.nan)
    from scipy import stats  # here, because it is slow to import

    with warnings.catch_warnings(action="ignore"):  # from resamples without an order
        bootstrap = stats.bootstrap(
            (one, other),
            tau,
            paired=True,
            vectorized=False,
            n_resamples=_RESAMPLES,
            method="percentile",
            rng=0,
        )
        low, high = np.nanpercentile(bootstrap.bootstrap_distribution, (2.5, 97.5))
        return Agreement(count, tau(one, other), float(low), float(high))


def ceiling(seeds: Sequence[Sequence[float]]) -> float:
    """The tau of a perfect predictor with the mean of ``seeds``: values of each, in one order.

    NaN for a single seed or too few values; 0 if the seeds agree no better than by chance.
    """
    pairs = itertools.combinations(seeds, 2)
    between = [tau(one, other) for one, other in pairs] if len(seeds[0]) >= _MINIMUM else []
    if not between or math.isnan(fmean(between)):
        return math.nan
    r = max(correlation_of(fmean(between)), 0.0)
    count = len(seeds)
    with_mean = math.sqrt(count * r / (1 + (count - 1) * r))
    return tau_of(min(with_mean, 1.0))


def correlation_of(kendall: float) -> float:
    """The correlation of two normal variables with this Kendall's tau."""
    return math.sin(math.pi / 2 * kendall)


def tau_of(correlation: float) -> float:
    """Kendall's tau of two normal variables with this correlation."""
    return 2 / math.pi * math.asin(correlation)


def format_interval(found: Agreement) -> str:
    """The confidence interval as text, or why there is none."""
    if found.count < FOR_INTERVAL:
        return "too few"
    if math.isnan(found.low):
        return DASH
    return f"{format_tau(found.low)} to {format_tau(found.high)}"


def best_fifth(judged: Iterable[Judged]) -> list[Judged]:
    """The fifth (rounded up) with the highest accuracy when trained from scratch."""
    ordered = sorted(judged, key=lambda one: -one.accuracy)
    return ordered[: math.ceil(len(ordered) / 5)]


def ceilings(judged: Sequence[Judged]) -> dict[str, float]:
    """The :func:`ceiling` by objective; NaN unless there are several seeds."""
    found: dict[str, float] = {}
    for place, objective in enumerate(BOTH):
        seeds = list(zip(*([both[place] for both in one.of_seeds] for one in judged), strict=True))
        found[objective.name] = ceiling(seeds) if seeds else math.nan
    return found


def agreements(judged: Sequence[Judged]) -> dict[tuple[str, str], Agreement]:
    """Results by objective (``accuracy``, ``spikes``) and subset (``all``, ``best fifth``).

    All have a ceiling. The best fifth have none: they are chosen by the noise as well.
    """
    found: dict[tuple[str, str], Agreement] = {}
    for name, known in ceilings(judged).items():
        for subset, group in (("all", judged), ("best fifth", best_fifth(judged))):
            found[name, subset] = agreement(
                [getattr(one, f"supernet_{name}") for one in group],
                [getattr(one, name) for one in group],
            )
        found[name, "all"] = replace(found[name, "all"], ceiling=known)
    return found


@dataclass(frozen=True)
class Regret:
    """How much accuracy is lost by trusting the supernet: fractions, trained from scratch.

    ``best`` is the highest accuracy of all, ``first`` that of the architecture that the supernet
    ranks first, ``of_three`` the best of its first three: means over all orders of those that it
    ranks alike.
    """

    best: float
    first: float
    of_three: float


def regret(judged: Sequence[Judged]) -> Regret:
    """Compare the supernet's choices with the best of all."""
    best = max(one.accuracy for one in judged)
    return Regret(best, _best_of_first(judged, 1), _best_of_first(judged, 3))


def _best_of_first(judged: Sequence[Judged], count: int) -> float:
    """The mean of the best accuracy among the supernet's first, over all orders of ties."""
    ranked = sorted(judged, key=lambda one: -one.supernet_accuracy)[:count]
    last = ranked[-1].supernet_accuracy
    sure = max((one.accuracy for one in ranked if one.supernet_accuracy > last), default=0.0)
    drawn = sum(one.supernet_accuracy == last for one in ranked)
    tied = sorted((one.accuracy for one in judged if one.supernet_accuracy == last), reverse=True)
    # Of all draws from the tied ones, comb(those after it, drawn - 1) have this one as their best.
    ways = [math.comb(len(tied) - place, drawn - 1) for place in range(1, len(tied) + 1)]
    return fmean([max(sure, one) for one in tied], weights=ways)
