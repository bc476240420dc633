"""Constraints on what an architecture costs and reaches."""

import math
from dataclasses import dataclass

from autosnn_nni.errors import UserError
from autosnn_nni.numbers import quantity
from autosnn_nni.strategies.measurements import Measurements
from autosnn_nni.strategies.objectives import Objective, find_objective


@dataclass(frozen=True)
class Bound:
    """An ``objective`` is at most ``limit``, or at least if it is a ``minimum``."""

    objective: Objective
    limit: float
    minimum: bool

    def excess(self, one: Measurements) -> float:
        """The violation, relative to the limit; 0 or less if it is satisfied.

        An unknown value violates every bound, by as much as 0 violates a minimum.
        """
        value = self.objective.value(one)
        if math.isnan(value):
            return 1.0
        share = value / self.limit
        return 1 - share if self.minimum else share - 1


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """At most ``max_spikes`` per image, at least the accuracy ``min_accuracy`` (a fraction).

    ``max`` and ``min`` bound any objectives: ``("energy=2uJ", "memory:4=32KiB")``. ``None`` and
    ``()`` mean no bound. Searches that handle constraints are subclasses. Raises
    :class:`UserError` for impossible bounds.
    """

    max_spikes: float | None = None
    min_accuracy: float | None = None
    max: tuple[str, ...] = ()
    min: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_spikes is not None and not 0 < self.max_spikes < math.inf:
            raise UserError(f"max_spikes must be positive, not {self.max_spikes}")
        if self.min_accuracy is not None and not 0 < self.min_accuracy <= 1:
            raise UserError(
                f"min_accuracy must be a fraction such as 0.85, at most 1, not {self.min_accuracy}"
            )
        for name in ("max", "min"):  # lists, in a YAML file
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _ = self.bounds

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """All bounds."""
        found = []
        if self.max_spikes is not None:
            found.append(Bound(find_objective("spikes"), self.max_spikes, minimum=False))
        if self.min_accuracy is not None:
            found.append(Bound(find_objective("accuracy"), self.min_accuracy, minimum=True))
        found.extend(_bound(text, "max") for text in self.max)
        found.extend(_bound(text, "min") for text in self.min)
        return tuple(found)

    def excess(self, one: Measurements) -> tuple[float, ...]:
        """Violation of each bound, relative to the bound; 0 or less if it is satisfied."""
        return tuple(bound.excess(one) for bound in self.bounds)

    def violation(self, one: Measurements) -> float:
        """Total constraint violation; 0 if every bound is satisfied."""
        return sum((excess for excess in self.excess(one) if excess > 0), 0.0)

    def rank(self, one: Measurements, fitness: float) -> tuple[float, float]:
        """A key to sort by: feasible ones first, fittest first; the others by their violation."""
        return self.violation(one), -fitness

    def __str__(self) -> str:
        """Format as options: ``--max-spikes 80,000 --min-accuracy 0.85``; empty without bounds."""
        named = []
        if self.max_spikes is not None:
            named.append(f"--max-spikes {self.max_spikes:,.10g}")
        if self.min_accuracy is not None:
            named.append(f"--min-accuracy {self.min_accuracy:g}")
        named.extend(f"--max {text}" for text in self.max)
        named.extend(f"--min {text}" for text in self.min)
        return " ".join(named)


def _bound(text: str, kind: str) -> Bound:
    """Read ``energy=2uJ``."""
    name, equals, limit = str(text).replace(" ", "").partition("=")
    if not equals:
        raise UserError(f"{kind} must be a name and a value, as in energy=2uJ, not {text!r}")
    objective = find_objective(name)
    value = quantity(limit, objective.unit, f"{kind} {name}")
    if not 0 < value < math.inf:
        raise UserError(f"{kind} {name} must be positive, not {limit}")
    return Bound(objective, value, minimum=kind == "min")


#: Every architecture satisfies these.
NO_CONSTRAINTS = Constraints()
