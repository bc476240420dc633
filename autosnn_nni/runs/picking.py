"""Picking one of the architectures evaluated by a search: ``autosnn train --pick``."""

import math
import re
from collections.abc import Sequence

from autosnn_nni.errors import UserError
from autosnn_nni.numbers import quantity
from autosnn_nni.runs.contents import Best
from autosnn_nni.search_spaces import to_text
from autosnn_nni.strategies import (
    ACCURACY,
    OBJECTIVES,
    SPIKES,
    Constraints,
    Evaluated,
    History,
    Objective,
    find_objective,
    knee,
)

RULES = "knee, fittest, 'spikes<80K', 'energy<2uJ' or 'accuracy>0.9'"


def pick(
    rule: str, history: History, constraints: Constraints, cost: Objective = SPIKES
) -> Evaluated:
    """The evaluated architecture that ``rule`` picks.

    ``knee`` and ``fittest`` pick from the architectures that satisfy the ``constraints``. The
    others pick from all: ``spikes<80K`` the most accurate one with fewer spikes, ``accuracy>0.9``
    the one with the lowest ``cost`` and a higher accuracy; other objectives work in the same way.
    Raises :class:`UserError` for an unknown rule, and if no architecture matches.
    """
    if rule == "fittest":
        return feasible(history, constraints)[0]
    if rule == "knee":
        found = knee(feasible(history, constraints), cost)
        if found is None:
            raise UserError("--pick knee needs accuracies, which this search lacks; use fittest")
        return found
    match = re.fullmatch(r"([\w:-]+)([<>])(.+)", rule.replace(" ", ""))
    if match is None or match[1].partition(":")[0] not in OBJECTIVES:
        quote = "; put the rule in quotes" if rule in OBJECTIVES else ""
        raise UserError(f"--pick must be {RULES}, not {rule!r}{quote}")
    objective = find_objective(match[1])
    better = ">" if objective.maximised else "<"
    if match[2] != better:
        raise UserError(f"--pick {match[1]}{better} picks, not {rule!r}: the others are worse")
    bound = quantity(match[3], objective.unit, f"--pick {match[1]}{better}")
    return _best(history, objective, bound, cost if objective.name == "accuracy" else ACCURACY)


def feasible(history: History, constraints: Constraints) -> list[Evaluated]:
    """Feasible architectures, fittest first; raises :class:`UserError` if there are none."""
    ordered = history.top(len(history), constraints)
    found = [one for one in ordered if not constraints.violation(one)]
    if not found:
        raise UserError(
            f"none of {len(history):,} evaluated architectures satisfies {constraints}; "
            f"the closest is {describe_candidate(ordered[0], _of(constraints))}"
        )
    return found


def _of(constraints: Constraints) -> list[Objective]:
    return [bound.objective for bound in constraints.bounds]


def _best(history: History, objective: Objective, bound: float, wish: Objective) -> Evaluated:
    """The best by ``wish`` of those that are better than ``bound``, and of these by both."""
    known = [one for one in history if not math.isnan(objective.value(one) + wish.value(one))]
    limit = -bound if objective.maximised else bound
    found = [one for one in known if objective.cost(one) < limit]
    if not found:
        raise UserError(_no_match(objective, bound, known))
    return min(found, key=lambda one: (wish.cost(one), objective.cost(one)))


def _no_match(objective: Objective, bound: float, known: Sequence[Evaluated]) -> str:
    if not known:
        return f"this search has not measured accuracy and {objective.name}; use --pick fittest"
    closest = min(known, key=objective.cost)
    side = "above" if objective.maximised else "below"
    return (
        f"no evaluated architecture has {_an(objective)} {side} {objective.text(bound)}; "
        f"the closest is {describe_candidate(closest, [objective])}"
    )


def _an(objective: Objective) -> str:
    return "an accuracy" if objective.name == "accuracy" else objective.name


def describe_candidate(one: Evaluated | Best, objectives: Sequence[Objective] = ()) -> str:
    """An architecture and its scores as text, with other ``objectives`` than the paper's too."""
    scores = [] if math.isnan(one.accuracy) else [f"{100 * one.accuracy:.2f} % on D_val"]
    scores.append(f"{one.spikes:,.0f} spikes")
    scores.extend(
        f"{objective.name} {objective.text(objective.value(one))}"
        for objective in objectives
        if objective.name not in ("accuracy", "spikes")
    )
    return f"{to_text(one.blocks)} ({', '.join(scores)})"
