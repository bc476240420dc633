"""What the searches that go by generations have in common."""

from random import Random

from autosnn_nni.errors import UserError
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.history import History


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


class Rounds:
    """A search of ``rounds`` generations of ``population`` architectures."""

    rounds: int
    population: int

    def budget(self, choices: Choices) -> int:
        """``population`` in every round, or the whole space."""
        return min(self.rounds * self.population, choices.size)
