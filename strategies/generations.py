"""What a search is, and how it goes from generation to generation: propose, evaluate, remember."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar, Self

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.constraints import NO_CONSTRAINTS, Constraints
from autosnn_nni.strategies.history import Evaluated, History
from autosnn_nni.strategies.metrics import Metrics


class Search(ABC):
    """Proposes generations from everything evaluated so far.

    It holds no state: what it proposes depends on its settings and the history alone, so that a
    search that is started again continues exactly where it was.
    """

    #: Whether it compares architectures by a trained supernet, or needs no training at all.
    needs_supernet: ClassVar[bool] = True
    #: Whether constraints change what it proposes.
    heeds_constraints: ClassVar[bool] = False

    #: How many generations there are at most.
    rounds: int

    @property
    def constraints(self) -> Constraints:
        """The bounds that change what it proposes."""
        return NO_CONSTRAINTS

    def within(self, constraints: Constraints) -> Self:
        """The same search within ``constraints``, if it heeds them."""
        return self

    @abstractmethod
    def budget(self, choices: Choices) -> int:
        """How many architectures are evaluated in all, at most."""

    @abstractmethod
    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """The next generation, disjoint from ``history``; empty when no architecture is left."""


class Rounds(Search):
    """A search of ``rounds`` generations of ``population`` architectures."""

    population: int

    def budget(self, choices: Choices) -> int:
        """``population`` in every round, or the whole space."""
        return min(self.rounds * self.population, choices.size)


@dataclass(frozen=True, kw_only=True)
class ConstrainedRounds(Rounds, Constraints):
    """A search by rounds whose constraints are settings of its own."""

    heeds_constraints = True

    @property
    def constraints(self) -> Constraints:
        """Its own."""
        return self

    def within(self, constraints: Constraints) -> Self:
        """The same search with these constraints in place of its own."""
        return replace(self, **vars(constraints))


def check_sizes(**sizes: int) -> None:
    """Raise :class:`UserError` unless all are whole numbers from 1."""
    for name, size in sizes.items():
        if not isinstance(size, int):
            raise UserError(f"{name} must be a whole number, not {size!r}")
        if size < 1:
            raise UserError(f"{name} must be at least 1, not {size}")


def generation_rng(seed: int, history: History) -> Random:
    """The random numbers of the generation after ``history``."""
    return Random(f"{seed}/{history.generations + 1}")


def next_generation(search: Search, choices: Choices, history: History) -> list[Architecture]:
    """What ``search`` wants evaluated next; empty when it is over."""
    if history.generations >= search.rounds:
        return []
    return search.propose(choices, history)


def close_generation(
    history: History,
    population: Sequence[Architecture],
    metrics: Mapping[Architecture, Metrics],
) -> None:
    """Add a generation's evaluated architectures; those without ``metrics`` have failed.

    Raises ``RuntimeError`` when all have: the search would propose the same ones for ever.
    """
    generation = history.generations + 1
    succeeded = [blocks for blocks in population if blocks in metrics]
    if not succeeded:
        raise RuntimeError(f"every trial of generation {generation} failed; see the trials' logs")
    history.extend(Evaluated.of(blocks, metrics[blocks], generation) for blocks in succeeded)
