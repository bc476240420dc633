"""The interface of searches, and the steps of a generation: propose, evaluate, remember."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from random import Random
from typing import ClassVar, Self

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.constraints import NO_CONSTRAINTS, Constraints
from autosnn_nni.strategies.history import Evaluated, History
from autosnn_nni.strategies.measurements import Metrics


class Search(ABC):
    """Base class of searches; proposes generations from everything evaluated so far.

    A search has no state: its proposals depend only on its settings and the history, so a resumed
    search continues exactly where it stopped.
    """

    #: Whether architectures are compared by a trained supernet; otherwise no training is needed.
    needs_supernet: ClassVar[bool] = True
    #: Whether constraints change its proposals.
    handles_constraints: ClassVar[bool] = False
    #: Whether the choice of objectives changes its proposals.
    handles_objectives: ClassVar[bool] = False

    #: The maximum number of generations.
    rounds: int

    #: Which architectures it may propose; ``None`` stands for all.
    allowed: Callable[[Architecture], bool] | None = None

    @property
    def constraints(self) -> Constraints:
        """The constraints that change its proposals."""
        return NO_CONSTRAINTS

    def within(self, constraints: Constraints) -> Self:
        """Return the same search with ``constraints``, if it handles them."""
        return self

    def towards(self, objectives: Sequence[str]) -> Self:
        """Return the same search for ``objectives``, by name, if it handles them."""
        return self

    def only(self, allowed: Callable[[Architecture], bool]) -> Self:
        """Return the same search, which proposes only some architectures."""
        limited = copy.copy(self)
        object.__setattr__(limited, "allowed", allowed)  # subclasses may be frozen
        return limited

    @abstractmethod
    def budget(self, choices: Choices) -> int:
        """The maximum number of architectures that are evaluated."""

    @abstractmethod
    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """Return the next generation, disjoint from ``history``; empty if nothing is left."""


class Rounds(Search):
    """A search of ``rounds`` generations of ``population`` architectures."""

    population: int

    def budget(self, choices: Choices) -> int:
        """``population`` architectures in every round, at most the whole space."""
        return min(self.rounds * self.population, choices.size)


@dataclass(frozen=True, kw_only=True)
class ConstrainedRounds(Rounds, Constraints):
    """A search by rounds that has its constraints as settings."""

    handles_constraints = True

    @property
    def constraints(self) -> Constraints:
        """The search itself."""
        return self

    def within(self, constraints: Constraints) -> Self:
        """Return the same search with these constraints instead."""
        bounds = {one.name: getattr(constraints, one.name) for one in fields(Constraints)}
        return replace(self, **bounds)


def check_sizes(**sizes: int) -> None:
    """Raise :class:`UserError` unless all sizes are whole numbers of at least 1."""
    for name, size in sizes.items():
        if not isinstance(size, int):
            raise UserError(f"{name} must be a whole number, not {size!r}")
        if size < 1:
            raise UserError(f"{name} must be at least 1, not {size}")


def generation_rng(seed: int, history: History) -> Random:
    """The random number generator of the generation after ``history``."""
    return Random(f"{seed}/{history.generations + 1}")


def next_generation(search: Search, choices: Choices, history: History) -> list[Architecture]:
    """Return the next generation of ``search``; empty if it is finished."""
    if history.generations >= search.rounds:
        return []
    if search.allowed is not None:
        choices = choices.only(search.allowed)
    return search.propose(choices, history)


def close_generation(
    history: History,
    population: Sequence[Architecture],
    metrics: Mapping[Architecture, Metrics],
) -> None:
    """Add a generation's evaluated architectures to ``history``; those without ``metrics`` failed.

    Raises ``RuntimeError`` if all failed, because the search would propose the same ones forever.
    """
    generation = history.generations + 1
    succeeded = [blocks for blocks in population if blocks in metrics]
    if not succeeded:
        raise RuntimeError(f"every trial of generation {generation} failed; see the trials' logs")
    history.extend(Evaluated.of(blocks, metrics[blocks], generation) for blocks in succeeded)


def run_alone(
    search: Search,
    choices: Choices,
    ask: Callable[[Architecture], Metrics],
    most: float = math.inf,
) -> History:
    """Run ``search`` with answers that need no NNI, until it ends or has ``most`` of them."""
    history = History()
    while len(history) < most and (population := next_generation(search, choices, history)):
        close_generation(history, population, {blocks: ask(blocks) for blocks in population})
    return history
