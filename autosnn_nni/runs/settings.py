"""Settings of a run, grouped by the stage that they affect.

Spaces, searches and data sets are imported where they are used: importing torch and NNI takes
seconds, and help and usage errors of the command line need neither.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from autosnn_nni.chips import CHIPS
from autosnn_nni.errors import UserError
from autosnn_nni.plugins import load_plugins
from autosnn_nni.registry import hint
from autosnn_nni.runs.run_files import BASELINES
from autosnn_nni.training.bounds import AUGMENTATIONS, MAX_LEARNING_RATE, PRECISIONS

if TYPE_CHECKING:
    from autosnn_nni.data import DataInfo
    from autosnn_nni.search_spaces import NetworkConfig
    from autosnn_nni.strategies import Constraints, Fitness, Search

_CANDIDATES_HELP = "Candidate blocks [default: the space's, skip,SCB_k3,SCB_k5,SRB_k3,SRB_k5]"
_LEARNING_RATE_HELP = "Adam's learning rate at its peak [default: 0.001 if constant, else 0.01]"
_TIMESTEPS_HELP = "Timesteps T, or several to search: 2,4,8 [default: the data set's, 8 or 20]"

#: If a search does not handle constraints, they only affect the choice of the winner.
#: With another number of seeds nothing is repeated: further ones are trained beside the first.
STAGES = ("supernet", "search", "choice", "retrain", "seeds")

#: Some searches handle these themselves: with others they belong to the choice alone.
_CONSTRAINTS = ("max_spikes", "min_accuracy", "max", "min")


def _of(stage: str, default: Any, meaning: str, *, before: Any) -> Any:
    """A setting of ``stage``; ``before`` is its value in files from before it existed.

    A new setting gets as ``before`` what was done without it. A new default leaves ``before`` as it
    is, so that files keep their meaning.
    """
    return field(default=default, metadata={"stage": stage, "help": meaning, "before": before})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings that affect a run's result; the folders of files and the device do not.

    ``lambda_`` is called ``lambda`` in files. Timesteps, batch size and epochs default to those of
    the data set, candidates and baselines to those of the space, the learning rate to the
    schedule's. Raises :class:`UserError` for an invalid value.
    """

    plugins: tuple[str, ...] = _of(
        "supernet", (), "Python file that registers blocks, spaces, ...", before=()
    )
    dataset: str = _of(
        "supernet", "digits", "Name of the data set, or path of your own", before="digits"
    )
    size: int | None = _of(
        "supernet", None, "Side of your own pictures in pixels [default: theirs]", before=None
    )
    images: int | None = _of(
        "supernet", None, "Number of training images to use [default: all]", before=None
    )
    space: str = _of("supernet", "SNN_1", "Name of the macro architecture", before="SNN_1")
    channels: int = _of("supernet", 16, "Initial number of channels C", before=16)
    timesteps: int | tuple[int, ...] = _of("supernet", None, _TIMESTEPS_HELP, before=None)
    neuron: str = _of("supernet", "PLIF", "PLIF, LIF, IF, or ANN for ReLU", before="PLIF")
    surrogate: str = _of(
        "supernet", "atan", "Gradient of a spike: atan (the paper's) or triangle", before="atan"
    )
    candidates: tuple[str, ...] = _of("supernet", None, _CANDIDATES_HELP, before=None)
    batch_norm: str = _of(
        "supernet",
        "timestep",
        "Batch norm statistics: timestep, kept (a set per timestep) or pooled",
        before="timestep",
    )
    averages: str = _of(
        "supernet",
        "sum",
        "Leaky neurons behind average pools get the sum, or the mean (the paper's)",
        before="mean",
    )
    batch_size: int = _of("supernet", None, "Batch size [default: the data set's]", before=None)
    learning_rate: float = _of("supernet", None, _LEARNING_RATE_HELP, before=1e-3)
    schedule: str = _of(
        "supernet",
        None,
        "Learning rate: constant (the paper's), cosine or one-cycle [default: the data set's]",
        before="constant",
    )
    loss: str = _of("supernet", "mse", "mse (as in the paper), cross-entropy or tet", before="mse")
    spike_regularisation: float = _of(
        "supernet", 0.0, "Weight of the firing rate in the loss", before=0.0
    )
    augmentation: str = _of(
        "supernet",
        None,
        "Training images: paper (crops, flips; cutout from scratch), crop, flip or none "
        "[default: the data set's]",
        before="paper",
    )
    precision: str = _of(
        "supernet", "32", "Training precision: 32, or bf16 for convolutions", before="32"
    )
    seed: int = _of("supernet", 0, "Seed of splits, weights, batches, paths and searches", before=0)
    sampling: str = _of(
        "supernet", "uniform", "Sampling of paths: uniform, fair or sandwich", before="uniform"
    )
    supernet_epochs: int = _of(
        "supernet", None, "Epochs of stage 1 [default: the data set's]", before=None
    )
    strategy: str = _of("search", "evolution", "Name of the search strategy", before="evolution")
    lambda_: float = _of(
        "search", -0.08, "0 or negative; lower values favour fewer spikes", before=-0.08
    )
    discounting: str = _of(
        "search",
        "exponential",
        "The cost in the fitness: exponential or linear",
        before="exponential",
    )
    fitness_: str = _of(
        "search",
        "spikes",
        "Cost in the fitness (Eq. 3): spikes, synops, energy:loihi, memory:4, ...",
        before="spikes",
    )
    rounds: int | None = _of(
        "search", None, "Generations [default: 10; predictor: 40; exhaustive: all]", before=None
    )
    val_images: int | None = _of(
        "search", None, "D_val images for scoring [default: all]", before=None
    )
    calibration_batches: int = _of(
        "search", 4, "Batches to recalibrate batch norm; 0 is off", before=4
    )
    chip: str | None = _of(
        "search", None, "Search only architectures that fit a chip: speck, loihi, ...", before=None
    )
    max_spikes: float | None = _of(
        "choice", None, "Maximum spikes of the winner: 80K, 1.2M, none", before=None
    )
    min_accuracy: float | None = _of(
        "choice", None, "Minimum accuracy of the winner on D_val: 0.85, none", before=None
    )
    max: tuple[str, ...] = _of(
        "choice", (), "Maximum of any objective: energy=2uJ, memory:4=32KiB, ...; none", before=()
    )
    min: tuple[str, ...] = _of(
        "choice", (), "Minimum of any objective: accuracy=85%, ...; none", before=()
    )
    objectives: tuple[str, ...] = _of(
        "choice",
        None,
        "Objectives of the front [default: accuracy and the fitness's cost]",
        before=("accuracy", "spikes"),
    )
    retrain_top: int = _of(
        "choice", 3, "Train k finalists and the knee, and name the winner by D_val", before=1
    )
    retrain_epochs: int = _of(
        "retrain", None, "Epochs of stage 3 [default: the data set's]", before=None
    )
    baselines: bool = _of(
        "retrain",
        None,
        "Also train all-SCB_k3 and all-SRB_k3 [default: if the space has these blocks]",
        before=True,
    )
    seeds: int = _of(
        "seeds", 1, "Seeds to retrain with, from --seed on: 3 gives error bars", before=1
    )

    def __post_init__(self) -> None:
        self._check_types()
        load_plugins(Path(path) for path in self.plugins)
        self._fill_in()
        self._check_numbers()
        self._check_names()
        _ = self.network, self.search
        if not self.needs_supernet and any(
            bound.objective.name == "accuracy" for bound in self.constraints.bounds
        ):
            raise UserError(f"--min-accuracy: {self.strategy} does not measure accuracies")

    def _fill_in(self) -> None:
        from autosnn_nni.data import find_source
        from autosnn_nni.search_spaces import MACROS
        from autosnn_nni.training.schedules import SCHEDULES

        own = find_source(self.dataset, self.size).name  # the absolute path of a user's own data
        object.__setattr__(self, "dataset", own)
        info = self._data_info
        schedule = info.schedule if self.schedule is None else self.schedule
        defaults: dict[str, Any] = {
            "candidates": MACROS[self.space].candidates,
            "baselines": all(block in MACROS[self.space].blocks for block in BASELINES),
            "schedule": schedule,
            "learning_rate": SCHEDULES[schedule].peak_rate,
            "objectives": ("accuracy", self.fitness_),
        }
        names = "timesteps", "batch_size", "supernet_epochs", "retrain_epochs", "augmentation"
        for name in names:
            defaults[name] = getattr(info, name)
        for name, default in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)

    @property
    def _data_info(self) -> "DataInfo":
        from autosnn_nni.data import find_source

        return find_source(self.dataset, self.size).info

    def _check_types(self) -> None:
        named = {one: getattr(self, one.name) for one in fields(self)}
        self.check_types(
            {
                one.name: value
                for one, value in named.items()
                if value is not one.default and value is not one.metadata["before"]
            }
        )

    def _check_numbers(self) -> None:
        for name in ("supernet_epochs", "retrain_epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise UserError(f"{_flag(name)} must be at least 1, not {getattr(self, name)}")
        if self.batch_size < 2:
            raise UserError("--batch-size must be at least 2: batch norm needs two images")
        if not 0 <= self.seed < 2**32:
            raise UserError(f"--seed must be from 0 to {2**32 - 1}, not {self.seed}")
        if not 1 <= self.seeds <= 2**32 - self.seed:
            raise UserError(
                f"--seeds must be from 1 to {2**32 - self.seed} after --seed {self.seed}, "
                f"not {self.seeds}"
            )
        if self.val_images is not None and self.val_images < 1:
            raise UserError(f"--val-images must be at least 1, not {self.val_images}")
        if self.retrain_top < 1:
            raise UserError(f"--retrain-top must be at least 1, not {self.retrain_top}")
        if self.calibration_batches < 0:
            raise UserError("--calibration-batches must be 0 (off) or more")
        if not 0 < self.learning_rate <= MAX_LEARNING_RATE:
            raise UserError(
                f"--learning-rate must be positive, and at most 1e37, not {self.learning_rate}"
            )
        if not 0 <= self.spike_regularisation < math.inf:
            raise UserError(
                f"--spike-regularisation must be 0 or more, not {self.spike_regularisation}"
            )
        if self.precision not in PRECISIONS:
            raise UserError(f"--precision must be 32 or bf16, not {self.precision!r}")
        if self.augmentation not in AUGMENTATIONS:
            raise UserError(
                f"--augmentation must be paper, crop, flip or none, not {self.augmentation!r}"
            )
        if not isinstance(self.timesteps, int) and self._data_info.events:
            raise UserError(
                f"{self.dataset} is divided into frames when it is read: give a single number of "
                "--timesteps"
            )

    def _check_names(self) -> None:
        from autosnn_nni.strategies import SAMPLINGS, check_objectives
        from autosnn_nni.training.losses import LOSSES

        _ = LOSSES[self.loss], SAMPLINGS[self.sampling], self.fitness
        check_objectives(self.objectives)
        if self.chip is not None:
            _ = CHIPS[self.chip]

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
            surrogate=self.surrogate,
            averages=self.averages,
        )

    @property
    def fitness(self) -> "Fitness":
        """The fitness of this run's search."""
        from autosnn_nni.strategies import Fitness

        return Fitness(self.lambda_, self.discounting, self.fitness_)

    @property
    def search(self) -> "Search":
        """The search of this run."""
        from autosnn_nni.strategies import make_search

        named = {} if self.rounds is None else {"rounds": self.rounds}
        search = make_search(self.strategy, {"seed": self.seed, **named})
        return search.within(self.constraints).towards(self.objectives)

    @property
    def constraints(self) -> "Constraints":
        """The constraints on the winner."""
        from autosnn_nni.strategies import Constraints

        return Constraints(
            max_spikes=self.max_spikes,
            min_accuracy=self.min_accuracy,
            max=self.max,
            min=self.min,
        )

    @property
    def timed(self) -> bool:
        """Whether architectures must be timed for an objective or a constraint."""
        from autosnn_nni.strategies import find_objective

        bounds = self.constraints.bounds
        objectives = [*map(find_objective, self.objectives), *(one.objective for one in bounds)]
        return any(one.timed for one in objectives)

    @property
    def pixels(self) -> bool:
        """Whether networks get images; events are spikes already."""
        return not self._data_info.events

    @property
    def needs_supernet(self) -> bool:
        """Whether the search scores with a supernet; SNASNet's scores without training."""
        return self.search.needs_supernet

    @property
    def retrain_seeds(self) -> range:
        """The seeds of stage 3, the run's own first."""
        return range(self.seed, self.seed + self.seeds)

    def of_training(self) -> dict[str, Any]:
        """Settings for training and testing one architecture, without those of the search."""
        return {name: getattr(self, name) for name in _names_of_training()}

    def to_json(self) -> dict[str, Any]:
        """A flat dict of plain JSON types."""
        return {_key(one): _plain(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Settings":
        """The inverse of :meth:`to_json`, for ``values`` of this version or an earlier one.

        Raises :class:`UserError` for unknown settings, and as :meth:`completed` does.
        """
        whole = cls.completed(values)
        unknown = whole.keys() - cls.before().keys()
        if unknown:
            names = ", ".join(sorted(map(str, unknown)))
            raise UserError(f"unknown settings: {names}; restore them or start a new run")
        return cls.named(whole)

    @classmethod
    def completed(cls, values: Any) -> dict[str, Any]:
        """``values`` from a file, and those from before a setting existed that the file lacks.

        Raises :class:`UserError` if they are no run's settings.
        """
        if not isinstance(values, Mapping) or not values:
            raise UserError("these are not a run's settings; restore them or start a new run")
        return {**cls.before(), **values}

    @classmethod
    def before(cls) -> dict[str, Any]:
        """What files mean that lack a setting, by the names in files, as plain JSON types.

        ``None`` stands for the value of the data set or of the space, as for a default.
        """
        return {_key(one): _plain(one.metadata["before"]) for one in fields(cls)}

    @classmethod
    def named(cls, values: Mapping[str, Any]) -> "Settings":
        """Settings from their names in files; those left out get their defaults.

        Raises :class:`UserError` for unknown names.
        """
        return cls(**cls.arguments(values))

    @classmethod
    def check_types(cls, arguments: Mapping[str, Any]) -> None:
        """Raise :class:`UserError` for an argument that can't be this setting's value."""
        hints = get_type_hints(cls)
        for name, value in arguments.items():
            if not _fits(value, hints[name]):
                raise UserError(_wrong_type(name, value, hints[name]))

    @classmethod
    def arguments(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments for the settings named in ``values``, and no others.

        Raises :class:`UserError` for unknown names.
        """
        known = {_key(one): one.name for one in fields(cls)}
        for key in values:
            if key not in known:
                raise UserError(f"unknown setting {key!r}; {hint(str(key), known)}")
        return {
            known[key]: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()
        }

    def differences(self, other: "Settings") -> Iterator[tuple[str, str]]:
        """Stage and description of every value that differs from ``other``'s."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if mine != theirs:
                there = "was not given" if theirs is None else f"is {theirs!r}"
                here = "not given" if mine is None else repr(mine)
                yield self._stage(one), f"{_flag(one.name)} {there} there, {here} here"

    def _stage(self, setting: "dataclasses.Field[Any]") -> str:
        stage: str = setting.metadata["stage"]
        constrains = setting.name in _CONSTRAINTS and self.search.handles_constraints
        aims = setting.name == "objectives" and self.search.handles_objectives
        return "search" if constrains or aims else stage


def _names_of_training() -> Iterator[str]:
    for one in fields(Settings):
        if one.metadata["stage"] in ("supernet", "retrain", "seeds"):
            yield one.name
    yield "calibration_batches"


def _key(setting: "dataclasses.Field[Any]") -> str:
    """The setting's name in files."""
    return setting.name.rstrip("_")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _flag(name: str) -> str:
    return "--" + name.rstrip("_").replace("_", "-")


#: What a setting takes, by the first of these types that is among its own.
_WANTED = {
    tuple[str, ...]: "a list of names",
    tuple[int, ...]: "a whole number, or a list of them",
    bool: "true or false",
    float: "a number",
    int: "a whole number",
    str: "a name",
}


def _wrong_type(name: str, value: Any, hint: Any) -> str:
    kinds = {hint, *get_args(hint)}
    wanted = next(text for kind, text in _WANTED.items() if kind in kinds)
    return f"{_flag(name)} can't be {value!r}; give {wanted}"


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value, for example from a JSON file, has a setting's type."""
    if hint == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if hint == int | tuple[int, ...]:
        return all(type(item) is int for item in (value if isinstance(value, tuple) else (value,)))
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, hint | int if isinstance(0.0, hint) else hint)


#: The settings that matter to a network trained alone: those of the supernet's paths do not.
OF_ONE_NETWORK = frozenset(_names_of_training()) - {
    "candidates",
    "sampling",
    "supernet_epochs",
    "baselines",
}
