"""Bounds on spikes and accuracy that an architecture has to keep."""

import math
from dataclasses import dataclass

from autosnn_nni.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """At most ``max_spikes`` per image, an accuracy (fraction) of at least ``min_accuracy``.

    ``None`` is no bound. A search that heeds constraints is a subclass. Raises :class:`UserError`
    for bounds that can't be.
    """

    max_spikes: float | None = None
    min_accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.max_spikes is not None and not 0 < self.max_spikes < math.inf:
            raise UserError(f"max_spikes must be positive, not {self.max_spikes}")
        if self.min_accuracy is not None and not 0 < self.min_accuracy <= 1:
            raise UserError(
                f"min_accuracy must be a fraction such as 0.85, at most 1, not {self.min_accuracy}"
            )

    def excess(self, accuracy: float, spikes: float) -> tuple[float, ...]:
        """How far each bound is missed, relative to it; at most 0 where it is kept.

        An accuracy that is not known (NaN) keeps no bound.
        """
        missed = []
        if self.max_spikes is not None:
            missed.append(spikes / self.max_spikes - 1)
        if self.min_accuracy is not None:
            known = 0.0 if math.isnan(accuracy) else accuracy
            missed.append(1 - known / self.min_accuracy)
        return tuple(missed)

    def violation(self, accuracy: float, spikes: float) -> float:
        """The sum of what the bounds are missed by; 0 where all are kept."""
        return sum(max(0.0, missed) for missed in self.excess(accuracy, spikes))

    def __str__(self) -> str:
        """As options: ``--max-spikes 80,000 --min-accuracy 0.85``; empty without bounds."""
        named = []
        if self.max_spikes is not None:
            named.append(f"--max-spikes {self.max_spikes:,.10g}")
        if self.min_accuracy is not None:
            named.append(f"--min-accuracy {self.min_accuracy:g}")
        return " ".join(named)


#: Every architecture keeps these.
NO_CONSTRAINTS = Constraints()
