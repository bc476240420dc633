"""What a run is told, grouped by the stage that it changes.

Spaces, searches and data sets are imported where they are used: torch and NNI take seconds, and the
command line's help and usage errors need neither.
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
_TIMESTEPS_HELP = "Timesteps T, or a choice: 2,4,8 [default: the data set's own, 8 or 20]"

#: Of a search that does not heed them, constraints only decide which architecture is chosen.
STAGES = ("supernet", "search", "choice", "retrain")


def _of(stage: str, default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"stage": stage, "help": meaning})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides a run's result; where files lie and on which device is not in it.

    ``lambda_`` is written ``lambda`` in files. Without timesteps, a batch size or epochs, those of
    the data set are taken; without candidates, those of the space. Raises :class:`UserError` for a
    value that can't be.
    """

    plugins: tuple[str, ...] = _of("supernet", (), "Python file that registers blocks, spaces, ...")
    dataset: str = _of("supernet", "digits", "Data set, by name")
    images: int | None = _of("supernet", None, "Use so many training images [default: all]")
    space: str = _of("supernet", "SNN_1", "Macro architecture, by name")
    channels: int = _of("supernet", 16, "Initial channel C")
    timesteps: int | tuple[int, ...] = _of("supernet", None, _TIMESTEPS_HELP)
    neuron: str = _of("supernet", "PLIF", "PLIF, LIF, IF, or ANN for ReLU")
    candidates: tuple[str, ...] = _of("supernet", None, _CANDIDATES_HELP)
    batch_norm: str = _of(
        "supernet", "timestep", "Statistics per timestep, kept for each, or pooled"
    )
    batch_size: int = _of("supernet", None, "Images in a batch [default: the data set's own]")
    learning_rate: float = _of("supernet", 1e-3, "Adam's learning rate")
    loss: str = _of("supernet", "mse", "mse (the paper's), cross-entropy, or tet")
    spike_regularisation: float = _of("supernet", 0.0, "Weight of the firing rate in the loss")
    precision: str = _of("supernet", "32", "Of training: 32, or bf16 for its convolutions")
    seed: int = _of("supernet", 0, "Seed of splits, weights, batches, paths and searches")
    sampling: str = _of("supernet", "uniform", "Paths of a step: uniform, fair or sandwich")
    supernet_epochs: int = _of("supernet", None, "Stage 1 [default: the data set's own]")
    strategy: str = _of("search", "evolution", "Search, by name")
    lambda_: float = _of("search", -0.08, "0 or negative; the lower, the fewer spikes")
    discounting: str = _of("search", "exponential", "Of spikes in the fitness, or linear")
    rounds: int | None = _of("search", None, "Generations [default: 10, or all of exhaustive]")
    val_images: int | None = _of("search", None, "Score on so many images of D_val [default: all]")
    calibration_batches: int = _of("search", 4, "For batch norm's statistics; 0 is off")
    max_spikes: float | None = _of("choice", None, "The best has at most so many: 80K, 1.2M")
    min_accuracy: float | None = _of("choice", None, "The best has at least this on D_val: 0.85")
    retrain_epochs: int = _of("retrain", None, "Stage 3 [default: the data set's own]")
    baselines: bool = _of("retrain", True, "Also train the space filled with SCB_k3 and SRB_k3")

    def __post_init__(self) -> None:
        self._check_types()
        load_plugins(Path(path) for path in self.plugins)
        self._fill_in()
        self._check_numbers()
        self._check_names()
        _ = self.network, self.fitness, self.search
        if self.min_accuracy is not None and not self.needs_supernet:
            raise UserError(f"--min-accuracy: {self.strategy} measures no accuracies")

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
                f"{self.dataset} is divided into frames when it is read: name a single number of "
                "--timesteps"
            )

    def _check_names(self) -> None:
        from autosnn_nni.strategies import SAMPLINGS
        from autosnn_nni.training.losses import LOSSES

        _ = LOSSES[self.loss], SAMPLINGS[self.sampling]

    @property
    def network(self) -> "NetworkConfig":
        """The networks of this run."""
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
        """What the best architecture has to keep."""
        from autosnn_nni.strategies import Constraints

        return Constraints(max_spikes=self.max_spikes, min_accuracy=self.min_accuracy)

    @property
    def needs_supernet(self) -> bool:
        """Whether the search scores by a supernet; SNASNet's scores without training."""
        return self.search.needs_supernet

    def of_training(self) -> dict[str, Any]:
        """What one architecture is trained and tested with: nothing of how it was found."""
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
        """The inverse of :meth:`to_json`; raises :class:`UserError` for other keys."""
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
        """Settings by their names in files, of which some may be left out.

        Raises :class:`UserError` for unknown ones.
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
        return "search" if stage == "choice" and self.search.heeds_constraints else stage


def _flag(name: str) -> str:
    return "--" + name.rstrip("_").replace("_", "-")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value, of a JSON file perhaps, has a setting's type."""
    if hint == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if hint == int | tuple[int, ...]:
        return all(type(item) is int for item in (value if isinstance(value, tuple) else (value,)))
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, hint | int if isinstance(0.0, hint) else hint)
