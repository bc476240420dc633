"""Settings of a run, grouped by the stage that they affect.

Spaces, searches and data sets are imported where they are used: importing torch and NNI takes
seconds, and help and usage errors of the command line need neither.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from autosnn_nni.errors import UserError
from autosnn_nni.plugins import load_plugins
from autosnn_nni.registry import hint

if TYPE_CHECKING:
    from autosnn_nni.data import DataInfo
    from autosnn_nni.search_spaces import NetworkConfig
    from autosnn_nni.strategies import Constraints, Fitness, Search

_CANDIDATES_HELP = "Candidate blocks [default: the space's, skip,SCB_k3,SCB_k5,SRB_k3,SRB_k5]"
_TIMESTEPS_HELP = "Timesteps T, or several to search: 2,4,8 [default: the data set's, 8 or 20]"

#: If a search does not handle constraints, they only affect the choice of the best architecture.
STAGES = ("supernet", "search", "choice", "retrain")


def _of(stage: str, default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"stage": stage, "help": meaning})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings that affect a run's result; the folders of files and the device do not.

    ``lambda_`` is called ``lambda`` in files. Timesteps, batch size and epochs default to those of
    the data set, candidates to those of the space. Raises :class:`UserError` for an invalid value.
    """

    plugins: tuple[str, ...] = _of("supernet", (), "Python file that registers blocks, spaces, ...")
    dataset: str = _of("supernet", "digits", "Name of the data set")
    images: int | None = _of("supernet", None, "Number of training images to use [default: all]")
    space: str = _of("supernet", "SNN_1", "Name of the macro architecture")
    channels: int = _of("supernet", 16, "Initial number of channels C")
    timesteps: int | tuple[int, ...] = _of("supernet", None, _TIMESTEPS_HELP)
    neuron: str = _of("supernet", "PLIF", "PLIF, LIF, IF, or ANN for ReLU")
    candidates: tuple[str, ...] = _of("supernet", None, _CANDIDATES_HELP)
    batch_norm: str = _of(
        "supernet",
        "timestep",
        "Batch norm statistics: timestep, kept (a set per timestep) or pooled",
    )
    batch_size: int = _of("supernet", None, "Batch size [default: the data set's]")
    learning_rate: float = _of("supernet", 1e-3, "Adam's learning rate")
    loss: str = _of("supernet", "mse", "mse (as in the paper), cross-entropy or tet")
    spike_regularisation: float = _of("supernet", 0.0, "Weight of the firing rate in the loss")
    precision: str = _of("supernet", "32", "Training precision: 32, or bf16 for convolutions")
    seed: int = _of("supernet", 0, "Seed of splits, weights, batches, paths and searches")
    sampling: str = _of("supernet", "uniform", "Sampling of paths: uniform, fair or sandwich")
    supernet_epochs: int = _of("supernet", None, "Epochs of stage 1 [default: the data set's]")
    strategy: str = _of("search", "evolution", "Name of the search strategy")
    lambda_: float = _of("search", -0.08, "0 or negative; lower values favour fewer spikes")
    discounting: str = _of("search", "exponential", "Spikes in the fitness: exponential or linear")
    rounds: int | None = _of("search", None, "Generations [default: 10; exhaustive: all]")
    val_images: int | None = _of("search", None, "D_val images for scoring [default: all]")
    calibration_batches: int = _of("search", 4, "Batches to recalibrate batch norm; 0 is off")
    max_spikes: float | None = _of(
        "choice", None, "Maximum spikes of the best architecture: 80K, 1.2M"
    )
    min_accuracy: float | None = _of(
        "choice", None, "Minimum accuracy of the best architecture on D_val: 0.85"
    )
    retrain_epochs: int = _of("retrain", None, "Epochs of stage 3 [default: the data set's]")
    baselines: bool = _of("retrain", True, "Also train the all-SCB_k3 and all-SRB_k3 baselines")

    def __post_init__(self) -> None:
        self._check_types()
        load_plugins(Path(path) for path in self.plugins)
        self._fill_in()
        self._check_numbers()
        self._check_names()
        _ = self.network, self.fitness, self.search
        if self.min_accuracy is not None and not self.needs_supernet:
            raise UserError(f"--min-accuracy: {self.strategy} does not measure accuracies")

    def _fill_in(self) -> None:
        from autosnn_nni.search_spaces import MACROS

        defaults = {"candidates": MACROS[self.space].candidates}
        for name in ("timesteps", "batch_size", "supernet_epochs", "retrain_epochs"):
            defaults[name] = getattr(self._data_info, name)
        for name, default in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)

    @property
    def _data_info(self) -> "DataInfo":
        from autosnn_nni.data import DATASETS

        return DATASETS[self.dataset].info

    def _check_types(self) -> None:
        hints = get_type_hints(type(self))
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not one.default and not _fits(value, hints[one.name]):
                raise UserError(f"{_flag(one.name)} can't be {value!r}")

    def _check_numbers(self) -> None:
        for name in ("supernet_epochs", "retrain_epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise UserError(f"{_flag(name)} must be at least 1, not {getattr(self, name)}")
        if self.batch_size < 2:
            raise UserError("--batch-size must be at least 2: batch norm needs two images")
        if not 0 <= self.seed < 2**32:
            raise UserError(f"--seed must be from 0 to {2**32 - 1}, not {self.seed}")
        if self.val_images is not None and self.val_images < 1:
            raise UserError(f"--val-images must be at least 1, not {self.val_images}")
        if self.calibration_batches < 0:
            raise UserError("--calibration-batches must be 0 (off) or more")
        if not 0 < self.learning_rate < math.inf:
            raise UserError(f"--learning-rate must be positive, not {self.learning_rate}")
        if not 0 <= self.spike_regularisation < math.inf:
            raise UserError(
                f"--spike-regularisation must be 0 or more, not {self.spike_regularisation}"
            )
        if self.precision not in ("32", "bf16"):
            raise UserError(f"--precision must be 32 or bf16, not {self.precision!r}")
        if not isinstance(self.timesteps, int) and self._data_info.events:
            raise UserError(
                f"{self.dataset} is divided into frames when it is read: give a single number of "
                "--timesteps"
            )

    def _check_names(self) -> None:
        from autosnn_nni.strategies import SAMPLINGS
        from autosnn_nni.training.losses import LOSSES

        _ = LOSSES[self.loss], SAMPLINGS[self.sampling]

    @property
    def network(self) -> "NetworkConfig":
        """The configuration of this run's networks."""
        from autosnn_nni.search_spaces import NetworkConfig

        info = self._data_info
        return NetworkConfig(
            self.space,
            shape=info.shape,
            classes=info.classes,
            channels=self.channels,
            timesteps=self.timesteps,
            neuron=self.neuron,
            candidates=self.candidates,
            batch_norm=self.batch_norm,
        )

    @property
    def fitness(self) -> "Fitness":
        """The fitness of this run's search."""
        from autosnn_nni.strategies import Fitness

        return Fitness(self.lambda_, self.discounting)

    @property
    def search(self) -> "Search":
        """The search of this run."""
        from autosnn_nni.strategies import make_search

        named = {} if self.rounds is None else {"rounds": self.rounds}
        search = make_search(self.strategy, {"seed": self.seed, **named})
        return search.within(self.constraints)

    @property
    def constraints(self) -> "Constraints":
        """The constraints on the best architecture."""
        from autosnn_nni.strategies import Constraints

        return Constraints(max_spikes=self.max_spikes, min_accuracy=self.min_accuracy)

    @property
    def needs_supernet(self) -> bool:
        """Whether the search scores with a supernet; SNASNet's scores without training."""
        return self.search.needs_supernet

    def of_training(self) -> dict[str, Any]:
        """Settings for training and testing one architecture, without those of the search."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.metadata["stage"] in ("supernet", "retrain") or one.name == "calibration_batches"
        }

    def to_json(self) -> dict[str, Any]:
        """A flat dict of plain JSON types."""
        return {
            name.rstrip("_"): list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Settings":
        """The inverse of :meth:`to_json`; raises :class:`UserError` for unknown or missing keys."""
        if not isinstance(values, Mapping):
            raise UserError("these are not a run's settings; restore them or start a new run")
        known = {one.name.rstrip("_") for one in fields(cls)}
        for word, wrong in ("unknown", values.keys() - known), ("missing", known - values.keys()):
            if wrong:
                names = ", ".join(sorted(wrong))
                raise UserError(f"{word} settings: {names}; restore them or start a new run")
        return cls.named(values)

    @classmethod
    def named(cls, values: Mapping[str, Any]) -> "Settings":
        """Settings from their names in files; those left out get their defaults.

        Raises :class:`UserError` for unknown names.
        """
        known = {one.name.rstrip("_"): one.name for one in fields(cls)}
        for key in values:
            if key not in known:
                raise UserError(f"unknown setting {key!r}; {hint(str(key), known)}")
        plain: dict[str, Any] = {
            known[key]: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()
        }
        return cls(**plain)

    def differences(self, other: "Settings") -> Iterator[tuple[str, str]]:
        """Stage and description of every value that differs from ``other``'s."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if mine != theirs:
                yield self._stage(one), f"{_flag(one.name)} is {theirs!r} there, {mine!r} here"

    def _stage(self, setting: "dataclasses.Field[Any]") -> str:
        stage: str = setting.metadata["stage"]
        return "search" if stage == "choice" and self.search.handles_constraints else stage


def _flag(name: str) -> str:
    return "--" + name.rstrip("_").replace("_", "-")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value, for example from a JSON file, has a setting's type."""
    if hint == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if hint == int | tuple[int, ...]:
        return all(type(item) is int for item in (value if isinstance(value, tuple) else (value,)))
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, hint | int if isinstance(0.0, hint) else hint)
