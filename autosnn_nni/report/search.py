"""Computations on a search: fronts, the fittest, progress. Nothing is drawn here."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from autosnn_nni.runs.contents import Candidate, RunContents, constraints_of, objectives_of
from autosnn_nni.strategies import (
    ACCURACY,
    SPIKES,
    Constraints,
    Objective,
    find_objective,
    front_of,
    knee,
)


@dataclass(frozen=True)
class Optimum:
    """The fittest evaluated architecture for every lambda from ``lowest`` to ``highest``."""

    candidate: Candidate
    lowest: float
    highest: float

    def __str__(self) -> str:
        if self.lowest == -math.inf:
            return f"below {self.highest:.2f}"
        return f"{self.lowest:.2f} to {self.highest:.2f}"


def optima(candidates: Sequence[Candidate], cost: Objective = SPIKES) -> list[Optimum]:
    """The fittest architecture for every lambda (Eq. 3) from minus infinity to 0, by ``cost``.

    The logarithm of the fitness is linear in lambda, so these are the corners of the upper hull of
    log accuracy over log cost.
    """

    def slope(one: Candidate, other: Candidate) -> float:
        accuracies, costs = other.accuracy / one.accuracy, cost.value(other) / cost.value(one)
        return math.log(accuracies) / math.log(costs)

    hull: list[Candidate] = []
    for candidate in front_of(candidates, (ACCURACY, cost)):
        if candidate.accuracy <= 0 or cost.value(candidate) <= 0:
            continue
        if hull and cost.value(hull[-1]) == cost.value(candidate):  # equal ones stand together
            continue
        while len(hull) > 1 and slope(hull[-2], hull[-1]) <= slope(hull[-1], candidate):
            hull.pop()
        hull.append(candidate)
    if not hull:
        return []
    turns = [-slope(one, other) for one, other in itertools.pairwise(hull)]
    bounds = itertools.pairwise([-math.inf, *turns, 0.0])
    return [Optimum(one, *between) for one, between in zip(hull, bounds, strict=True)]


@dataclass(frozen=True)
class OnFront:
    """An architecture on the Pareto front, and the lambdas for which it is the fittest, if any.

    ``values`` are those of the run's objectives.
    """

    candidate: Candidate
    values: tuple[float, ...]
    optimum: Optimum | None
    is_knee: bool
    feasible: bool


def front(run: RunContents) -> list[OnFront]:
    """The Pareto front of the evaluated architectures, sorted by the first cost."""
    known = with_accuracy(run.candidates)
    best_for = {one.candidate: one for one in optima(known, fitness_cost(run))}
    at_knee, allowed = knee_of(run), set(feasible(run))
    objectives = objectives_of(run.settings)
    return [
        OnFront(
            candidate=one,
            values=tuple(each.value(one) for each in objectives),
            optimum=best_for.get(one),
            is_knee=one == at_knee,
            feasible=one in allowed,
        )
        for one in front_of(known, objectives)
    ]


def costs(run: RunContents) -> list[Objective]:
    """The objectives of the run beside accuracy."""
    return [one for one in objectives_of(run.settings) if one.name != "accuracy"]


def search_figures(run: RunContents) -> dict[str, Objective]:
    """The cost on the x axis of each figure of the search, by the figure's name."""
    first, *others = costs(run)
    named = {f"search-{one.name.replace(':', '-')}": one for one in others}
    return {"search": first, **named}


def fitness_cost(run: RunContents) -> Objective:
    """The cost in the fitness of the run's search."""
    return find_objective(run.settings.get("fitness", "spikes"))


def constraints(run: RunContents) -> Constraints:
    """The constraints on the run's winner."""
    return constraints_of(run.settings)


def feasible(run: RunContents) -> list[Candidate]:
    """The evaluated architectures that satisfy the constraints."""
    bounds = constraints(run)
    return [one for one in run.candidates if not bounds.violation(one)]


def knee_of(run: RunContents) -> Candidate | None:
    """The architecture that ``autosnn train --pick knee`` trains."""
    return knee(feasible(run), costs(run)[0])


def top_candidates(candidates: Sequence[Candidate], count: int = 10) -> list[Candidate]:
    """The ``count`` fittest architectures; of equal ones, the earlier evaluated comes first."""
    return sorted(candidates, key=_fitness, reverse=True)[:count]


def with_accuracy(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates with a known accuracy; none in a search without training."""
    return [candidate for candidate in candidates if not math.isnan(candidate.accuracy)]


def best_so_far(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The fittest architecture after each evaluation; of equal ones, the earlier evaluated."""
    return list(itertools.accumulate(candidates, _fitter))


def _fitter(one: Candidate, other: Candidate) -> Candidate:
    return max(one, other, key=_fitness)


def _fitness(candidate: Candidate) -> float:
    return -math.inf if math.isnan(candidate.fitness) else candidate.fitness
