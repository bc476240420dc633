"""What NNI's web UI shows first of an experiment of AutoSNN.

NNI's own choice is an id, a duration, a status and the fitness, and an axis for everything that was
measured.
"""

from collections.abc import Iterable

#: What is most worth knowing of an architecture, besides its fitness.
_METRICS = ("accuracy", "spikes", "energy")


def first_columns(choices: Iterable[str]) -> dict[str, list[str]]:
    """The table's columns and the plot's axes for these ``choices``, by NNI's names for them.

    The keys are those of NNI's page for a user's own columns and axes.
    """
    labels = list(choices)
    blocks, metrics = (
        [f"{kind}/{name}" for name in names]
        for kind, names in (("space", labels), ("metric", _METRICS))
    )
    return {
        "columns": ["sequenceId", "status", "latestAccuracy", *blocks, *metrics],
        "paraColumns": [*labels, "default", *_METRICS],
    }
