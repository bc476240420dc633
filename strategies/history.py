"""The history of a search: everything it has evaluated, which is its whole state."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies.constraints import NO_CONSTRAINTS, Constraints
from autosnn_nni.strategies.measurements import Measurements, Metrics

#: Seconds to wait for a trial's metrics after NNI has reported the end of the trial.
LATE = 10.0


@dataclass(frozen=True, eq=False)
class Evaluated(Measurements):
    """One evaluated architecture; its generation counts from 1.

    The accuracy is NaN if architectures are scored without training.
    """

    blocks: Architecture
    fitness: float
    generation: int

    @classmethod
    def of(cls, blocks: Architecture, metrics: Metrics, generation: int) -> "Evaluated":
        """Make it from the metrics that the architecture's trial has reported."""
        measured = Measurements.among(metrics).measured
        return cls(blocks, metrics["default"], generation, **measured)


class History(Sequence[Evaluated]):
    """The evaluated architectures in order, without duplicates.

    ``times`` has the start and the end of each generation's evaluation, in seconds since 1970,
    where they are known. No search depends on them.
    """

    def __init__(self, evaluated: Iterable[Evaluated] = ()) -> None:
        self._evaluated: list[Evaluated] = []
        self.times: dict[int, tuple[float, float]] = {}
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
        ranked = sorted(self._evaluated, key=lambda one: constraints.rank(one, one.fitness))
        return ranked[:count]

    @property
    def generations(self) -> int:
        """The number of evaluated generations."""
        return self._evaluated[-1].generation if self._evaluated else 0

    def to_json(self) -> list[dict[str, Any]]:
        """Convert to plain JSON types; NaN becomes ``None``."""
        return [
            {name: None if value != value else value for name, value in asdict(one).items()}
            for one in self._evaluated
        ]

    @classmethod
    def from_json(cls, rows: Iterable[Mapping[str, Any]]) -> "History":
        """The inverse of :meth:`to_json`; raises ``KeyError``, ``TypeError`` or ``ValueError``."""
        return cls(
            Evaluated(
                tuple(row["blocks"]),
                float(row["fitness"]),
                int(row["generation"]),
                **Measurements.among(row).measured,
            )
            for row in rows
        )

    def __len__(self) -> int:
        return len(self._evaluated)

    def __iter__(self) -> Iterator[Evaluated]:
        return iter(self._evaluated)

    def __getitem__(self, index: Any) -> Any:
        return self._evaluated[index]
