"""What is known of an architecture once it is scored, and which of it is an objective.

An objective's name, direction, title and unit stand here alone: files, tables, figures, NSGA-II and
the trials' checks go through ``OBJECTIVES``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: ``default`` (the fitness) and every objective by name, as trials report them to NNI.
Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Objective:
    """A metric that is traded off against the others.

    ``title`` is what axes say, for values of ``factor`` times those in files; ``maximised`` ones
    are better the higher they are.
    """

    name: str
    title: str
    maximised: bool
    factor: float = 1.0

    def cost(self, value: float) -> float:
        """``value``, the lower the better."""
        return -value if self.maximised else value


#: A fraction, and spikes per image, summed over timesteps.
OBJECTIVES = (
    Objective("accuracy", "accuracy (%)", maximised=True, factor=100.0),
    Objective("spikes", "spikes per image", maximised=False),
)


def are_metrics(reported: Any) -> bool:
    """Whether a trial has reported all that a search needs."""
    needed = {"default", *(objective.name for objective in OBJECTIVES)}
    return isinstance(reported, Mapping) and reported.keys() >= needed
