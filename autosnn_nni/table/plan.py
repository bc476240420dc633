"""What a table consists of: how its networks are trained, and which of them with which seeds."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from autosnn_nni.errors import UserError
from autosnn_nni.registry import hint
from autosnn_nni.runs.settings import OF_ONE_NETWORK, Settings
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Choices

#: The settings that a table depends on: those of its space, and of training and measuring.
_SETTINGS = OF_ONE_NETWORK | {"candidates", "val_images"}


class Task(NamedTuple):
    """One training: an architecture, its number of timesteps T, and its seed."""

    blocks: Architecture
    timesteps: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The networks of a table.

    All are trained with the settings ``values``, by name as in a run's ``settings.json``, and
    measured at ``epochs``: 0 is before training, fractions are allowed, the last one is the end.
    Every architecture is trained with ``seeds`` seeds, from 0 on. A random ``sample``, and later
    the Pareto front, get ``more_seeds`` further ones; the sample is also trained with
    ``other_timesteps``. Images are split by the seed in ``values``: all networks see the same.

    Plans are equal if their networks are trained and measured alike. Raises :class:`UserError` for
    one that can't be made.
    """

    values: Mapping[str, Any]
    epochs: tuple[float, ...]
    seeds: int = 2
    sample: int = 200
    more_seeds: int = 3
    other_timesteps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        own, epochs = self.settings, self.epochs
        rising = list(epochs) == sorted({*epochs}) and min(epochs, default=-1) >= 0
        if not rising or epochs[-1] != own.retrain_epochs:
            raise UserError(
                f"a table's epochs must rise from 0 or more to the last one, {own.retrain_epochs}, "
                f"not {epochs}"
            )
        if self.seeds < 1 or self.sample < 0 or self.more_seeds < 0:
            raise UserError("a table needs at least one seed, and no negative sample or more_seeds")
        if not isinstance(own.timesteps, int):
            raise UserError("a table's networks have a single number of timesteps")
        others = self.other_timesteps
        if own.timesteps in others or len(others) > len({*others}):
            raise UserError(f"other_timesteps must differ from each other and {own.timesteps}")
        if others and not own.pixels:
            raise UserError(f"{own.dataset} has frames: its networks have no other_timesteps")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.to_json() == other.to_json()

    @cached_property
    def settings(self) -> Settings:
        """The settings of all trainings."""
        return Settings.named(self.values)

    @property
    def timesteps(self) -> int:
        """T of all networks but those with ``other_timesteps``."""
        timesteps = self.settings.timesteps
        assert isinstance(timesteps, int)  # checked in __post_init__
        return timesteps

    @property
    def choices(self) -> Choices:
        """The space: the candidates of every TBD block."""
        return Choices([self.settings.candidates] * self.settings.network.macro.tbd_blocks)

    @cached_property
    def architectures(self) -> list[Architecture]:
        """All of the space, in random order, so that the first ones are a sample of the whole."""
        every = list(itertools.product(*self.choices))
        Random(0).shuffle(every)
        return every

    @property
    def further_seeds(self) -> range:
        """The seeds of the sample and of the front alone."""
        return range(self.seeds, self.seeds + self.more_seeds)

    @cached_property
    def tasks(self) -> list[Task]:
        """All trainings but those of the front, which come before other timesteps, in order."""
        timesteps, sample = self.timesteps, self.architectures[: self.sample]
        return [
            *self._tasks(self.architectures, timesteps, range(1)),
            *self._tasks(sample, timesteps, range(1, self.seeds + self.more_seeds)),
            *self._tasks(self.architectures[self.sample :], timesteps, range(1, self.seeds)),
            *(one for t in self.other_timesteps for one in self._tasks(sample, t, range(1))),
        ]

    def of_front(self, front: Iterable[Architecture]) -> list[Task]:
        """The trainings of the front with further seeds."""
        done = set(self.tasks)
        tasks = self._tasks(front, self.timesteps, self.further_seeds)
        return [one for one in tasks if one not in done]

    @staticmethod
    def _tasks(blocks: Iterable[Architecture], timesteps: int, seeds: range) -> list[Task]:
        return [Task(one, timesteps, seed) for seed, one in itertools.product(seeds, blocks)]

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON types, with all settings of training, and not only those named."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        values = self.settings.to_json()
        return {
            **{name: list(v) if isinstance(v, tuple) else v for name, v in named.items()},
            "values": {name: values[name] for name in values if name in _SETTINGS},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Plan":
        """The inverse of :meth:`to_json`; other keys are left aside.

        Raises ``KeyError`` if something is missing, and :class:`UserError` for unknown settings.
        """
        named = {one.name: content[one.name] for one in fields(cls)}
        values = Settings.completed(named.pop("values"))
        listed: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in named.items()
        }
        return cls(values=values, **listed)


#: The plans by the names of their tables: the space, and the images.
PLANS: Mapping[str, Plan] = {
    "SNN_1/fashion14": Plan(
        values={
            "space": "SNN_1",
            "dataset": "FashionMNIST14",
            "images": 12_500,
            "channels": 16,
            "timesteps": 2,
            "schedule": "one-cycle",
            "learning_rate": 1.5e-2,
            "batch_size": 128,
            "augmentation": "none",
            "calibration_batches": 16,
            "retrain_epochs": 3,
        },
        epochs=(0, 1, 3),
        other_timesteps=(1, 8),
    ),
}


def plan_named(name: str) -> Plan:
    """The plan of the table ``name``; raises :class:`UserError` if there is none."""
    if name not in PLANS:
        raise UserError(f"unknown table {name!r}; {hint(name, PLANS)}")
    return PLANS[name]
