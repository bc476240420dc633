"""What a table consists of: how its networks are trained, and which of them with which seeds."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from autosnn_nni.errors import UserError
from autosnn_nni.registry import hint
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Choices


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
    """

    values: Mapping[str, Any]
    epochs: tuple[float, ...]
    seeds: int = 2
    sample: int = 200
    more_seeds: int = 3
    other_timesteps: tuple[int, ...] = (1, 2, 8)

    @cached_property
    def settings(self) -> Settings:
        """The settings of all trainings."""
        return Settings.named(self.values)

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
        """All trainings but those of the front, in the order in which they are done."""
        timesteps, sample = self.settings.network.timesteps, self.architectures[: self.sample]
        return [
            *self._tasks(self.architectures, timesteps, range(1)),
            *self._tasks(sample, timesteps, range(1, self.seeds + self.more_seeds)),
            *self._tasks(self.architectures[self.sample :], timesteps, range(1, self.seeds)),
            *(one for t in self.other_timesteps for one in self._tasks(sample, t, range(1))),
        ]

    def of_front(self, front: Iterable[Architecture]) -> list[Task]:
        """The trainings of the front with further seeds."""
        done = set(self.tasks)
        tasks = self._tasks(front, self.settings.network.timesteps, self.further_seeds)
        return [one for one in tasks if one not in done]

    @staticmethod
    def _tasks(blocks: Iterable[Architecture], timesteps: Any, seeds: range) -> list[Task]:
        return [Task(one, timesteps, seed) for seed, one in itertools.product(seeds, blocks)]

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON types, with all settings and not only those that were named."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            **{name: list(v) if isinstance(v, tuple) else v for name, v in named.items()},
            "values": self.settings.to_json(),
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
        other_timesteps=(1, 4, 8),
    ),
}


def plan_named(name: str) -> Plan:
    """The plan of the table ``name``; raises :class:`UserError` if there is none."""
    if name not in PLANS:
        raise UserError(f"unknown table {name!r}; {hint(name, PLANS)}")
    return PLANS[name]
