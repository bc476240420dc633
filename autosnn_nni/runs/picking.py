"""The user's choice among what a search has evaluated: ``autosnn train --pick``."""

import math
import re
from collections.abc import Sequence

from autosnn_nni.errors import UserError
from autosnn_nni.numbers import number
from autosnn_nni.search_spaces import to_text
from autosnn_nni.strategies import Constraints, Evaluated, History, knee

RULES = "knee, fittest, 'spikes<80K' or 'accuracy>0.9'"


def pick(rule: str, history: History, constraints: Constraints) -> Evaluated:
    """The evaluated architecture that ``rule`` names.

    ``knee`` and ``fittest`` are those of the architectures that keep the ``constraints``;
    ``spikes<80K`` is, of all, the most accurate with fewer spikes, ``accuracy>0.9`` the one of the
    fewest spikes that is more accurate. Raises :class:`UserError` for another rule, and where no
    architecture is such.
    """
    if rule == "fittest":
        return keeping(history, constraints)[0]
    if rule == "knee":
        found = knee(keeping(history, constraints))
        if found is None:
            raise UserError("--pick knee needs accuracies, which this search has not: pick fittest")
        return found
    match = re.fullmatch(r"(spikes<|accuracy>)(.+)", rule.replace(" ", ""))
    if match is None:
        quote = "; mind the quotes" if rule in ("spikes", "accuracy") else ""
        raise UserError(f"--pick must be {RULES}, not {rule!r}{quote}")
    known = [one for one in history if not math.isnan(one.accuracy)]
    bound = number(match[2], f"--pick {match[1]}")
    return _fewer(known, bound) if match[1] == "spikes<" else _better(known, bound)


def keeping(history: History, constraints: Constraints) -> list[Evaluated]:
    """Those that keep the ``constraints``, fittest first; raises :class:`UserError` if none."""
    ordered = history.top(len(history), constraints)
    kept = [one for one in ordered if not constraints.violation(one.accuracy, one.spikes)]
    if not kept:
        raise UserError(
            f"none of {len(history):,} evaluated architectures keeps {constraints}; "
            f"the closest is {described(ordered[0])}"
        )
    return kept


def _fewer(known: Sequence[Evaluated], spikes: float) -> Evaluated:
    found = [one for one in known if one.spikes < spikes]
    if not found:
        fewest = min(known, key=lambda one: one.spikes, default=None)
        raise UserError(_nothing(f"fewer than {spikes:,.10g} spikes", fewest))
    return max(found, key=lambda one: (one.accuracy, -one.spikes))


def _better(known: Sequence[Evaluated], accuracy: float) -> Evaluated:
    found = [one for one in known if one.accuracy > accuracy]
    if not found:
        best = max(known, key=lambda one: one.accuracy, default=None)
        raise UserError(_nothing(f"an accuracy above {accuracy:g} (a fraction)", best))
    return min(found, key=lambda one: (one.spikes, -one.accuracy))


def _nothing(wanted: str, closest: Evaluated | None) -> str:
    if closest is None:
        return "this search has measured no accuracies: --pick fittest"
    return f"no evaluated architecture has {wanted}; the closest is {described(closest)}"


def described(one: Evaluated) -> str:
    """An architecture and its scores, for people."""
    accuracy = "" if math.isnan(one.accuracy) else f"{100 * one.accuracy:.2f} % on D_val, "
    return f"{to_text(one.blocks)} ({accuracy}{one.spikes:,.0f} spikes)"
