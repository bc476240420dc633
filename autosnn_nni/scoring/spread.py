"""Mean and standard deviation of the results of one network, trained with several seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autosnn_nni.strategies import BOTH
from autosnn_nni.strategies.measurements import EqualUnknowns

#: Results that differ from seed to seed, by their names in ``result.json``.
MEASURED = ("accuracy", "spikes", "firing_rate")

WITHIN = "within the spread"


@dataclass(frozen=True, eq=False)
class Spread(EqualUnknowns):
    """Mean and standard deviation of one result over trainings with ``count`` seeds.

    The standard deviation is that of a sample, sqrt(sum((x - mean)^2) / (count - 1)). It is NaN for
    a single training.
    """

    mean: float
    std: float
    count: int


Spreads = Mapping[str, Spread]


def spread(values: Sequence[float]) -> Spread:
    """The spread of ``values``, one per seed."""
    std = statistics.stdev(values) if len(values) > 1 else math.nan
    return Spread(statistics.fmean(values), std, len(values))


def summary(results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What ``result.json`` says of all its seeds: their number, means and standard deviations.

    ``results`` are the contents of ``result.json`` for each seed. Nothing is said of a single one.
    """
    if len(results) < 2:
        return {}
    found: dict[str, float] = {"seeds": len(results)}
    for name in MEASURED:
        over_seeds = spread([result[name] for result in results])
        found |= {f"{name}_mean": over_seeds.mean, f"{name}_std": over_seeds.std}
    return found


def without_summary(result: Mapping[str, Any]) -> dict[str, Any]:
    """The content of ``result.json`` without its :func:`summary`."""
    ours = {"seeds", *(f"{name}_{what}" for name in MEASURED for what in ("mean", "std"))}
    return {key: value for key, value in result.items() if key not in ours}


def spreads_of(result: Mapping[str, Any]) -> Spreads:
    """The spreads in ``result.json``, by name; those of a single seed if it has no summary."""
    if "seeds" not in result:
        return {name: spread([float(result[name])]) for name in MEASURED}
    count = int(result["seeds"])
    return {
        name: Spread(float(result[f"{name}_mean"]), float(result[f"{name}_std"]), count)
        for name in MEASURED
    }


def is_within_spread(one: Spread, other: Spread) -> bool | None:
    """Whether two networks differ by no more than the spread of their seeds.

    The rule, for means m1 and m2 and standard deviations s1 and s2::

        |m1 - m2| <= sqrt(s1^2 + s2^2)

    The right side is the standard deviation of the difference between one training of each network,
    because the variances of independent numbers add up. By that much the two differ when nothing
    but their seeds changes.

    This is no test of significance. By Student's t, two equal networks are farther apart than that
    in 29 of 100 comparisons with 2 seeds each, in 16 with 3, and in 6 with 5.

    ``None`` if one of them has a single training, and with it no spread.
    """
    if min(one.count, other.count) < 2:
        return None
    return abs(one.mean - other.mean) <= math.hypot(one.std, other.std)


def verdicts(one: Spreads, other: Spreads) -> dict[str, str]:
    """How ``one`` differs from ``other``, by objective: ``"more accurate"``, or ``WITHIN``.

    Empty if one of them has a single seed: then nothing is claimed.
    """
    found = {}
    for objective in BOTH:
        mine, theirs = one[objective.name], other[objective.name]
        within = is_within_spread(mine, theirs)
        if within is not None:
            found[objective.name] = WITHIN if within else objective.word(mine.mean > theirs.mean)
    return found


def compared(name: str, one: Spreads, other_name: str, other: Spreads) -> str:
    """A line that says how ``one`` differs from ``other``; empty if nothing can be claimed.

    For example ``Winner against SRB_k3: more accurate; spikes within the spread of the seeds``.
    """
    found = verdicts(one, other)
    said = [f"{key} {WITHIN} of the seeds" if it == WITHIN else it for key, it in found.items()]
    return f"{name} against {other_name}: {'; '.join(said)}" if said else ""
