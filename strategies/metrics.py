"""The metrics of a scored architecture, and the objectives among them.

An objective's name, direction, title and unit are defined here. Tables of a search, ``trust``,
NSGA-II and the checks of trials use ``OBJECTIVES``; constraints, picking and the front still name
accuracy and spikes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: ``default`` (the fitness) and every objective by name, as trials report them to NNI.
Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Objective:
    """A metric that is traded off against the others.

    ``title`` is the label of plot axes, which show ``factor`` times the values in files. If
    ``maximised``, higher values are better. ``higher`` and ``lower`` say in words how a network
    with such a value differs from another.
    """

    name: str
    title: str
    maximised: bool
    higher: str
    lower: str
    factor: float = 1.0

    def cost(self, value: float) -> float:
        """Convert ``value`` to a cost: lower is better."""
        return -value if self.maximised else value

    def word(self, is_higher: bool) -> str:
        """What to call a network whose value is higher than another's, or lower."""
        return self.higher if is_higher else self.lower


#: Accuracy is a fraction; spikes are per image, summed over timesteps.
OBJECTIVES = (
    Objective(
        "accuracy",
        "accuracy (%)",
        maximised=True,
        higher="more accurate",
        lower="less accurate",
        factor=100.0,
    ),
    Objective(
        "spikes",
        "spikes per image",
        maximised=False,
        higher="more spikes",
        lower="fewer spikes",
    ),
)


def are_metrics(reported: Any) -> bool:
    """Whether a trial has reported all metrics that a search needs."""
    needed = {"default", *(objective.name for objective in OBJECTIVES)}
    return isinstance(reported, Mapping) and reported.keys() >= needed
