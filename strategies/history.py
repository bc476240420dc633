"""The history of a search: everything it has evaluated, which is its whole state."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.constraints import NO_CONSTRAINTS, Constraints
from autosnn_nni.strategies.metrics import OBJECTIVES, Metrics

#: Seconds to wait for a trial's metrics after NNI has reported the end of the trial.
LATE = 10.0


@dataclass(frozen=True)
class Evaluated:
    """One evaluated architecture: accuracy as a fraction, spikes per image, 1-based generation.

    The accuracy is NaN if architectures are scored without training.
    """

    blocks: Architecture
    accuracy: float
    spikes: float
    fitness: float
    generation: int

    @classmethod
    def of(cls, blocks: Architecture, metrics: Metrics, generation: int) -> "Evaluated":
        """Make it from the metrics that the architecture's trial has reported."""
        objectives = {one.name: metrics[one.name] for one in OBJECTIVES}
        return cls(blocks, fitness=metrics["default"], generation=generation, **objectives)

    @property
    def objectives(self) -> dict[str, float]:
        """The objectives by name, in order."""
        return {one.name: getattr(self, one.name) for one in OBJECTIVES}

    @property
    def costs(self) -> tuple[float, ...]:
        """The objectives, in order, as costs: lower is better."""
        return tuple(one.cost(self.objectives[one.name]) for one in OBJECTIVES)


class History(Sequence[Evaluated]):
    """The evaluated architectures in order, without duplicates."""

    def __init__(self, evaluated: Iterable[Evaluated] = ()) -> None:
        self._evaluated: list[Evaluated] = []
        self.seen: set[Architecture] = set()
        self.extend(evaluated)

    def extend(self, evaluated: Iterable[Evaluated]) -> None:
        """Add a generation; raises ``ValueError`` if an architecture was evaluated before."""
        for one in evaluated:
            if one.blocks in self.seen:
                raise ValueError(f"{one.blocks} was evaluated before")
            self.seen.add(one.blocks)
            self._evaluated.append(one)

    def top(self, count: int, constraints: Constraints = NO_CONSTRAINTS) -> list[Evaluated]:
        """Return the fittest, best first; ties go to the one evaluated first (``P_top``).

        Infeasible architectures come last, in the order of their constraint violation.
        """

        def rank(one: Evaluated) -> tuple[float, float]:
            return constraints.violation(one.accuracy, one.spikes), -one.fitness

        return sorted(self._evaluated, key=rank)[:count]

    @property
    def generations(self) -> int:
        """The number of evaluated generations."""
        return self._evaluated[-1].generation if self._evaluated else 0

    def to_json(self) -> list[dict[str, Any]]:
        """Convert to plain JSON types; an accuracy of NaN becomes ``None``."""
        return [
            {**asdict(one), "accuracy": None if math.isnan(one.accuracy) else one.accuracy}
            for one in self._evaluated
        ]

    @classmethod
    def from_json(cls, rows: Iterable[Mapping[str, Any]]) -> "History":
        """The inverse of :meth:`to_json`; raises ``KeyError``, ``TypeError`` or ``ValueError``."""
        return cls(
            Evaluated(
                blocks=tuple(row["blocks"]),
                accuracy=math.nan if row["accuracy"] is None else float(row["accuracy"]),
                spikes=float(row["spikes"]),
                fitness=float(row["fitness"]),
                generation=int(row["generation"]),
            )
            for row in rows
        )

    def __len__(self) -> int:
        return len(self._evaluated)

    def __iter__(self) -> Iterator[Evaluated]:
        return iter(self._evaluated)

    def __getitem__(self, index: Any) -> Any:
        return self._evaluated[index]
