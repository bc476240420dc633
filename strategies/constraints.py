"""Constraints on the spikes and the accuracy of an architecture."""

import math
from dataclasses import dataclass

from autosnn_nni.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """At most ``max_spikes`` per image, and at least the accuracy ``min_accuracy`` (a fraction).

    ``None`` means no bound. Searches that handle constraints are subclasses. Raises
    :class:`UserError` for impossible bounds.
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
        """Violation of each bound, relative to the bound; 0 or less if it is satisfied.

        An unknown accuracy (NaN) violates every bound on the accuracy.
        """
        violations = []
        if self.max_spikes is not None:
            violations.append(spikes / self.max_spikes - 1)
        if self.min_accuracy is not None:
            known = 0.0 if math.isnan(accuracy) else accuracy
            violations.append(1 - known / self.min_accuracy)
        return tuple(violations)

    def violation(self, accuracy: float, spikes: float) -> float:
        """Total constraint violation; 0 if every bound is satisfied."""
        return sum(max(0.0, violation) for violation in self.excess(accuracy, spikes))

    def __str__(self) -> str:
        """Format as options: ``--max-spikes 80,000 --min-accuracy 0.85``; empty without bounds."""
        named = []
        if self.max_spikes is not None:
            named.append(f"--max-spikes {self.max_spikes:,.10g}")
        if self.min_accuracy is not None:
            named.append(f"--min-accuracy {self.min_accuracy:g}")
        return " ".join(named)


#: Every architecture satisfies these.
NO_CONSTRAINTS = Constraints()
