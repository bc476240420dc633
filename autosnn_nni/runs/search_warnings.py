"""What is to be known of a run's search before its results are used, in a line each.

This module does not need torch.
"""

import math
from collections.abc import Iterable
from statistics import fmean

from autosnn_nni.numbers import format_accuracy
from autosnn_nni.runs.contents import RunContents, constraints_of
from autosnn_nni.runs.picking import describe_candidate

#: A supernet is at chance up to this part of chance above it, and to so many points.
_PART, _POINTS = 0.5, 0.05


def warnings_of(run: RunContents) -> list[str]:
    """All warnings of a run's search; none if there is nothing to say."""
    lines = (
        _constraints_warning(run),
        chance_warning((one.accuracy for one in run.candidates), run.classes),
        finalists_warning(run),
    )
    return [line for line in lines if line]


def unsatisfied(run: RunContents) -> str:
    """The constraints that no architecture satisfies; an empty text if the search has a winner."""
    return str(constraints_of(run.settings)) if run.closest else ""


def _constraints_warning(run: RunContents) -> str:
    if run.closest is None:
        return ""
    bounds = constraints_of(run.settings).bounds
    found = describe_candidate(run.closest, [bound.objective for bound in bounds])
    return f"No architecture satisfies {unsatisfied(run)}. The closest: {found}."


def finalists_warning(run: RunContents) -> str:
    """That no finalist satisfies the constraints after training; else an empty text."""
    if not run.finalists or run.finalists[0].violation <= 0:
        return ""
    return (
        f"After training no finalist satisfies {constraints_of(run.settings)} on D_val; the winner "
        "comes closest. Set stricter limits, or train more of them: --retrain-top 10."
    )


def chance_warning(accuracies: Iterable[float], classes: int | None) -> str:
    """That a supernet has learnt nothing, if it scored architectures so; else an empty text.

    Nothing is said of a search without accuracies, or if the number of classes is not known.
    """
    known = [one for one in accuracies if not math.isnan(one)]
    if not known or not classes:
        return ""
    mean, chance = fmean(known), 1 / classes
    if mean > chance + min(_PART * chance, _POINTS):
        return ""
    return (
        f"The supernet is at chance (mean accuracy on D_val {format_accuracy(mean)}, chance "
        f"{100 * chance:.3g} %): its ranking says nothing. Train it longer: --supernet-epochs."
    )
