"""Searches by name. To add one, write a subclass of :class:`Search` and a ``SEARCHES.add`` line."""

import inspect
import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.generations import (
    ConstrainedRounds,
    Rounds,
    Search,
    check_sizes,
    generation_rng,
)
from autosnn_nni.strategies.history import History
from autosnn_nni.strategies.nsga2 import NSGA2
from autosnn_nni.strategies.predictor import PredictorSearch

#: Draws per child before the parents count as exhausted.
ATTEMPTS = 10
#: Maximum number of architectures in a generation of an exhaustive search.
GENERATION = 125


@dataclass(frozen=True, kw_only=True)
class Evolution(ConstrainedRounds):
    """Algorithm 1 of the paper: mutation and crossover of the ``top`` fittest.

    ``rounds`` is the paper's T, ``population`` p, ``mutated`` p_m, ``crossed`` p_c, ``top`` k and
    ``mutation_ratio`` rho. With constraints, feasible architectures come first in P_top, because
    infeasible parents tend to have infeasible children.
    """

    rounds: int = 10
    population: int = 20
    mutated: int = 10
    crossed: int = 10
    top: int = 10
    mutation_ratio: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(rounds=self.rounds, population=self.population, top=self.top)
        if min(self.mutated, self.crossed) < 0 or self.mutated + self.crossed > self.population:
            raise UserError(
                f"mutated ({self.mutated}) and crossed ({self.crossed}) must be 0 or more and "
                f"together at most the population ({self.population})"
            )
        if not 0 <= self.mutation_ratio <= 1:
            raise UserError(f"mutation_ratio must be from 0 to 1, not {self.mutation_ratio}")

    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """Lines 3 to 13: mutants, crossovers, then random ones until there are ``population``."""
        rng = generation_rng(self.seed, history)
        parents = [one.blocks for one in history.top(self.top, self)]
        pool: dict[Architecture, None] = {}
        if parents:
            mutate = partial(self._mutate, rng, parents, choices)
            _collect(pool, self.mutated, history, choices, mutate)
        if len(parents) > 1 and len(choices) > 1:
            cross = partial(self._cross, rng, parents)
            _collect(pool, self.crossed, history, choices, cross)
        missing = self.population - len(pool)
        return [*pool, *choices.unseen(rng, missing, history.seen | pool.keys())]

    def _mutate(self, rng: Random, parents: list[Architecture], choices: Choices) -> Architecture:
        """Replace every block by another candidate with probability ``mutation_ratio``."""
        return tuple(
            _other(rng, block, candidates) if rng.random() < self.mutation_ratio else block
            for block, candidates in zip(rng.choice(parents), choices, strict=True)
        )

    def _cross(self, rng: Random, parents: list[Architecture]) -> Architecture:
        """Join the first X blocks of one parent and the rest of another, X from 1 to N - 1."""
        first, second = rng.sample(parents, 2)
        cut = rng.randrange(1, len(first))
        return first[:cut] + second[cut:]


@dataclass(frozen=True, kw_only=True)
class RandomSearch(Rounds):
    """The paper's baseline (Table 5, WS + random search): the same budget, drawn uniformly."""

    rounds: int = 10
    population: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        check_sizes(rounds=self.rounds, population=self.population)

    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """``population`` new architectures."""
        rng = generation_rng(self.seed, history)
        return choices.unseen(rng, self.population, history.seen)


@dataclass(frozen=True, kw_only=True)
class Exhaustive(Search):
    """Every architecture of the space: the supernet's true optimum, and its true Pareto front.

    A generation consists of all architectures with the same prefix, as they share the most
    computation; ``seed`` sets the order of the generations. By default the whole space is searched.
    """

    rounds: int = sys.maxsize
    seed: int = 0

    def __post_init__(self) -> None:
        check_sizes(rounds=self.rounds)

    def budget(self, choices: Choices) -> int:
        """The whole space, or ``rounds`` generations."""
        generation = Choices(choices[_depth(choices) :]).size
        return min(self.rounds * generation, choices.size)

    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """All architectures with the next prefix."""
        rng = Random(self.seed)
        slots = [tuple(rng.sample(candidates, len(candidates))) for candidates in choices]
        depth = _depth(choices)
        tails = list(itertools.product(*slots[depth:]))
        populations = (
            [blocks for tail in tails if choices.allowed(blocks := prefix + tail)]
            for prefix in itertools.product(*slots[:depth])
        )
        later = itertools.islice(filter(None, populations), history.generations, None)
        return [blocks for blocks in next(later, []) if blocks not in history.seen]


def _depth(choices: Choices) -> int:
    """The prefix length of a generation of an exhaustive search."""
    depths = range(len(choices) + 1)
    return next(depth for depth in depths if Choices(choices[depth:]).size <= GENERATION)


@dataclass(frozen=True, kw_only=True)
class SNASNet(RandomSearch):
    """SNASNet's search (Kim et al. 2022): random architectures, scored without training.

    Its architectures are scored by ``HammingKernel`` instead of a supernet.
    """

    needs_supernet = False


@dataclass(frozen=True)
class Listed(Search):
    """Evaluates the given architectures, in one generation."""

    architectures: tuple[Architecture, ...]
    rounds: int = 1

    def budget(self, choices: Choices) -> int:
        """All of them."""
        return len(self.architectures)

    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """The architectures that are not evaluated yet."""
        return [blocks for blocks in self.architectures if blocks not in history.seen]


def _other(rng: Random, block: str, candidates: tuple[str, ...]) -> str:
    others = [name for name in candidates if name != block]
    return rng.choice(others) if others else block


def _collect(
    pool: dict[Architecture, None],
    count: int,
    history: History,
    choices: Choices,
    make: Callable[[], Architecture],
) -> None:
    """Add up to ``count`` new children to ``pool``; stop when new ones become rare."""
    wanted = len(pool) + count
    for _ in range(ATTEMPTS * count):
        if len(pool) == wanted:
            return
        child = make()
        if child not in history.seen and choices.allowed(child):
            pool[child] = None


SEARCHES: Registry[Callable[..., Search]] = Registry("strategy")
SEARCHES.add("evolution", Evolution)
SEARCHES.add("nsga2", NSGA2)
SEARCHES.add("predictor", PredictorSearch)
SEARCHES.add("random", RandomSearch)
SEARCHES.add("exhaustive", Exhaustive)
SEARCHES.add("snasnet", SNASNet)


def make_search(name: str, options: Mapping[str, Any]) -> Search:
    """Make the search ``name``; raises :class:`UserError` for unknown options."""
    make = SEARCHES[name]
    known = inspect.signature(make).parameters
    for option in options:
        if option not in known:
            raise UserError(f"{name} has no argument {option!r}; known: {', '.join(known)}")
    search = make(**options)
    if not isinstance(search, Search):
        raise UserError(f"strategy {name!r} must make a Search; let its class subclass Search")
    return search
