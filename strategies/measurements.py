"""What is measured of an architecture, and what trials report of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

#: ``default`` (the fitness) and measurements by name, as trials report them to NNI.
Metrics = Mapping[str, float]

_ALWAYS = ("accuracy", "spikes")


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """What is measured of an architecture; NaN stands for what is not known.

    The accuracy is a fraction. Spikes, synaptic operations ``synops`` and multiply-accumulates
    ``macs`` are per image, summed over all timesteps. ``milliseconds`` are those of one image on
    this machine. All but the accuracy and the spikes are unknown in files of earlier versions.
    """

    accuracy: float
    spikes: float
    synops: float = math.nan
    macs: float = math.nan
    parameters: float = math.nan
    neurons: float = math.nan
    timesteps: float = math.nan
    milliseconds: float = math.nan

    @property
    def measured(self) -> dict[str, float]:
        """The measurements that are known, by name, and the accuracy and the spikes."""
        values = {one.name: getattr(self, one.name) for one in fields(Measurements)}
        return {
            name: value
            for name, value in values.items()
            if name in _ALWAYS or not math.isnan(value)
        }

    @classmethod
    def among(cls, values: Mapping[str, Any]) -> "Measurements":
        """Take the measurements among ``values``; ``None`` is NaN, except for spikes.

        Raises ``KeyError`` without accuracy or spikes, and ``TypeError`` or ``ValueError`` for
        values that are no numbers.
        """
        names = [one.name for one in fields(Measurements)]
        known = {name: values[name] for name in names if name in values or name in _ALWAYS}
        unknown = {name for name, value in known.items() if value is None and name != "spikes"}
        return Measurements(
            **{name: math.nan if name in unknown else float(value) for name, value in known.items()}
        )


def are_metrics(reported: Any) -> bool:
    """Whether a trial has reported all metrics that a search needs."""
    return isinstance(reported, Mapping) and reported.keys() >= {"default", "accuracy", "spikes"}
