"""What is measured of an architecture, and what trials report of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

#: ``default`` (the fitness) and measurements by name, as trials report them to NNI.
Metrics = Mapping[str, float]

_ALWAYS = ("accuracy", "spikes")


class EqualUnknowns:
    """A base of frozen dataclasses (``eq=False``) in which NaN, what is not known, equals NaN.

    Dataclasses' own comparison says so by chance up to Python 3.12, and never from 3.13 on.
    """

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal that are compared."""
        return type(self) is type(other) and _compared(self) == _compared(other)

    def __hash__(self) -> int:
        """Equal ones have the same."""
        return hash(_compared(self))


def _compared(record: Any) -> tuple[Any, ...]:
    values = (getattr(record, one.name) for one in fields(record) if one.compare)
    return tuple(None if value != value else value for value in values)  # only NaN differs so


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurements(EqualUnknowns):
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

    @property
    def measured_json(self) -> dict[str, float | None]:
        """The same in plain JSON types: NaN becomes ``None``."""
        return {name: None if math.isnan(value) else value for name, value in self.measured.items()}

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
