"""NSGA-II (Deb et al. 2002) with pymoo, for two objectives or more."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Self

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.generations import ConstrainedRounds, check_sizes, generation_rng
from autosnn_nni.strategies.history import Evaluated, History
from autosnn_nni.strategies.objectives import check_objectives, find_objective


@dataclass(frozen=True, kw_only=True)
class NSGA2(ConstrainedRounds):
    """Search for the whole Pareto front at once; lambda is not used.

    The parents of a generation are the ``population`` survivors of the previous one's parents and
    children, by rank and crowding distance. Children come from binary tournaments, uniform
    crossover and random mutation of one block on average. Constraints come before objectives:
    feasible architectures beat infeasible ones, a smaller constraint violation beats a larger one.
    """

    handles_objectives = True

    rounds: int = 10
    population: int = 20
    seed: int = 0
    objectives: tuple[str, ...] = ("accuracy", "spikes")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(rounds=self.rounds, population=self.population)
        object.__setattr__(self, "objectives", tuple(self.objectives))  # a list, in a YAML file
        check_objectives(self.objectives)

    def towards(self, objectives: Sequence[str]) -> Self:
        """Return the same search for these objectives instead."""
        return replace(self, objectives=tuple(objectives))

    def propose(self, choices: Choices, history: History) -> list[Architecture]:
        """New children first, then random architectures until there are ``population``.

        Raises :class:`UserError` if an objective was not measured.
        """
        for name in self.objectives:
            value = find_objective(name).value
            if any(math.isnan(value(one)) for one in history):
                raise UserError(
                    f"nsga2 needs the {name} of every architecture, which this search does not "
                    "measure; choose other objectives, or the strategy random"
                )
        rng = generation_rng(self.seed, history)
        pool = self._children(choices, history) if history else {}
        missing = self.population - len(pool)
        return [*pool, *choices.unseen(rng, missing, history.seen | pool.keys())]

    def _children(self, choices: Choices, history: History) -> dict[Architecture, None]:
        """Up to ``population`` new children; fewer if a mating only gives known ones."""
        algorithm = self._replay(choices, history)
        pool: dict[Architecture, None] = {}
        while len(pool) < self.population:
            codes = algorithm.ask()
            children = [] if codes is None else [_decode(code, choices) for code in codes.get("X")]
            known = history.seen | pool.keys()
            fresh = (one for one in dict.fromkeys(children) if one not in known)
            new = list(filter(choices.allowed, fresh))
            if not new:
                break
            pool.update(dict.fromkeys(new[: self.population - len(pool)]))
        return pool

    def _replay(self, choices: Choices, history: History) -> Any:
        """Replay all generations of ``history`` with pymoo's algorithm.

        They are replayed one by one, so that an architecture that did not survive one generation
        does not become a parent again, even if it is among the best of the whole history.
        """
        # Imported here, because importing pymoo takes longer than most commands.
        import numpy as np
        from pymoo.algorithms.moo import nsga2
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination
        from pymoo.core.variable import Integer
        from pymoo.operators.crossover.ux import UX
        from pymoo.operators.mutation.rm import ChoiceRandomMutation

        slots = {slot: Integer(bounds=(0, len(names) - 1)) for slot, names in enumerate(choices)}
        bounds = len(self.bounds)
        algorithm = nsga2.NSGA2(self.population, crossover=UX(), mutation=ChoiceRandomMutation())
        problem = Problem(vars=slots, n_obj=len(self.objectives), n_ieq_constr=bounds)
        algorithm.setup(problem, termination=NoTermination())
        for generation, evaluated in groupby(history, lambda one: one.generation):
            algorithm.random_state = np.random.default_rng([self.seed, generation])
            algorithm.tell(self._population(choices, list(evaluated)))
        return algorithm

    def _population(self, choices: Choices, evaluated: Sequence[Evaluated]) -> Any:
        """Convert to pymoo's form: objectives are minimised, ``G`` is at most 0 if feasible."""
        import numpy as np
        from pymoo.core.population import Population

        objectives = [find_objective(name) for name in self.objectives]
        return Population.new(
            X=np.array([_encode(one.blocks, choices) for one in evaluated]),
            F=np.array([[each.cost(one) for each in objectives] for one in evaluated]),
            G=np.array([self.excess(one) for one in evaluated]),
        )


def _encode(blocks: Architecture, choices: Choices) -> list[int]:
    return [names.index(block) for block, names in zip(blocks, choices, strict=True)]


def _decode(code: Sequence[int], choices: Choices) -> Architecture:
    return tuple(names[index] for index, names in zip(code, choices, strict=True))
