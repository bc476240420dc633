"""Scales of recipes: as in the paper, in a day or in hours on two CPU cores, or in seconds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autosnn_nni.registry import Registry


@dataclass(frozen=True)
class Scale:
    """Changes to a recipe's settings: other data sets, fractions of C and T, other numbers.

    ``seeds`` are those of every row, or the recipe's own if ``None``; ``samples`` is the maximum
    number of random architectures in a row; rows with more than ``most_channels`` are not run.
    """

    datasets: Mapping[str, str] = field(default_factory=dict)
    channels: float = 1
    timesteps: float = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None
    samples: float = math.inf
    most_channels: float = math.inf

    def apply(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A row's settings at this scale; C stays even, T at least 1."""
        dataset = settings["dataset"]
        return {
            **settings,
            "dataset": self.datasets.get(dataset, dataset),
            "channels": max(2, 2 * round(settings["channels"] * self.channels / 2)),
            "timesteps": max(1, round(settings["timesteps"] * self.timesteps)),
            **self.settings,
        }

    def limit(self, architectures: int) -> int:
        """The number of random architectures to use in a row."""
        return int(min(architectures, self.samples))

    def takes(self, settings: Mapping[str, Any]) -> bool:
        """Whether a row with these settings is run at this scale."""
        return bool(settings["channels"] <= self.most_channels)


SCALES: Registry[Scale] = Registry("scale")

_EVENTS = {"CIFAR10DVS": "digitsDVS", "DVS128Gesture": "digitsDVS", "TinyImageNet": "digits64"}
_IMAGES = ("CIFAR10", "CIFAR100", "SVHN")

# The paper's training (Section A.1) and networks, whatever the defaults are.
_PAPER = {
    "schedule": "constant",
    "learning_rate": 1e-3,
    "averages": "mean",
    "augmentation": "paper",
}
SCALES.add("full", Scale(settings=_PAPER))
# What two cores can do: other data, half of T, and C up to 16.
_ON_TWO_CORES: dict[str, Any] = {
    "datasets": {**_EVENTS, **dict.fromkeys(_IMAGES, "FashionMNIST")},
    "timesteps": 1 / 2,
    "seeds": (0, 1, 2),
    "samples": 10,
    "most_channels": 16,
}
SCALES.add(
    "medium",
    Scale(
        **_ON_TWO_CORES,
        settings={
            "schedule": "one-cycle",
            "learning_rate": 1e-2,
            "augmentation": "none",
            "batch_size": 64,
            "supernet_epochs": 12,
            "retrain_epochs": 4,
            "calibration_batches": 16,
        },
    ),
)
SCALES.add(
    "small",
    Scale(
        **_ON_TWO_CORES,
        channels=1 / 2,
        settings={
            **_PAPER,
            "images": 4000,
            "batch_size": 32,
            "supernet_epochs": 30,
            "retrain_epochs": 10,
            "calibration_batches": 16,
        },
    ),
)
SCALES.add(
    "smoke",
    Scale(
        datasets={**_EVENTS, **dict.fromkeys(_IMAGES, "digits")},
        channels=1 / 8,
        timesteps=1 / 4,
        settings={
            "images": 50,
            "batch_size": 40,
            "supernet_epochs": 1,
            "retrain_epochs": 1,
            "rounds": 1,
            "calibration_batches": 1,
        },
        seeds=(0,),
        samples=2,
    ),
)
