"""Picking one of the architectures evaluated by a search: ``autosnn train --pick``."""

import math
import re
from collections.abc import Sequence

from autosnn_nni.errors import UserError
from autosnn_nni.numbers import number
from autosnn_nni.search_spaces import to_text
from autosnn_nni.strategies import Constraints, Evaluated, History, knee

RULES = "knee, fittest, 'spikes<80K' or 'accuracy>0.9'"


def pick(rule: str, history: History, constraints: Constraints) -> Evaluated:
    """The evaluated architecture that ``rule`` picks.

    ``knee`` and ``fittest`` pick from the architectures that satisfy the ``constraints``. The
    others pick from all: ``spikes<80K`` the most accurate one with fewer spikes, ``accuracy>0.9``
    the one with the fewest spikes and a higher accuracy. Raises :class:`UserError` for an unknown
    rule, and if no architecture matches.
    """
    if rule == "fittest":
        return feasible(history, constraints)[0]
    if rule == "knee":
        found = knee(feasible(history, constraints))
        if found is None:
            raise UserError("--pick knee needs accuracies, which this search lacks; use fittest")
        return found
    match = re.fullmatch(r"(spikes<|accuracy>)(.+)", rule.replace(" ", ""))
    if match is None:
        quote = "; put the rule in quotes" if rule in ("spikes", "accuracy") else ""
        raise UserError(f"--pick must be {RULES}, not {rule!r}{quote}")
    known = [one for one in history if not math.isnan(one.accuracy)]
    bound = number(match[2], f"--pick {match[1]}")
    return _most_accurate(known, bound) if match[1] == "spikes<" else _fewest_spikes(known, bound)


def feasible(history: History, constraints: Constraints) -> list[Evaluated]:
    """Feasible architectures, fittest first; raises :class:`UserError` if there are none."""
    ordered = history.top(len(history), constraints)
    found = [one for one in ordered if not constraints.violation(one.accuracy, one.spikes)]
    if not found:
        raise UserError(
            f"none of {len(history):,} evaluated architectures satisfies {constraints}; "
            f"the closest is {describe_candidate(ordered[0])}"
        )
    return found


def finalists(history: History, constraints: Constraints, count: int) -> list[Evaluated]:
    """The fittest ``count`` architectures, and the knee if there are several.

    If none satisfies the ``constraints``, they are the closest to it.
    """
    fittest = history.top(count, constraints)
    allowed = [one for one in history if not constraints.violation(one.accuracy, one.spikes)]
    middle = knee(allowed) if count > 1 else None
    return fittest if middle is None or middle in fittest else [*fittest, middle]


def _most_accurate(known: Sequence[Evaluated], spikes: float) -> Evaluated:
    found = [one for one in known if one.spikes < spikes]
    if not found:
        fewest = min(known, key=lambda one: one.spikes, default=None)
        raise UserError(_no_match(f"fewer than {spikes:,.10g} spikes", fewest))
    return max(found, key=lambda one: (one.accuracy, -one.spikes))


def _fewest_spikes(known: Sequence[Evaluated], accuracy: float) -> Evaluated:
    found = [one for one in known if one.accuracy > accuracy]
    if not found:
        best = max(known, key=lambda one: one.accuracy, default=None)
        raise UserError(_no_match(f"an accuracy above {accuracy:g} (a fraction)", best))
    return min(found, key=lambda one: (one.spikes, -one.accuracy))


def _no_match(wanted: str, closest: Evaluated | None) -> str:
    if closest is None:
        return "this search has measured no accuracies; use --pick fittest"
    return f"no evaluated architecture has {wanted}; the closest is {describe_candidate(closest)}"


def describe_candidate(one: Evaluated) -> str:
    """An architecture and its scores as text."""
    accuracy = "" if math.isnan(one.accuracy) else f"{100 * one.accuracy:.2f} % on D_val, "
    return f"{to_text(one.blocks)} ({accuracy}{one.spikes:,.0f} spikes)"
