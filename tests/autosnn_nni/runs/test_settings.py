"""What a run is told: valid or refused, kept whole in a file, compared by stage."""

import dataclasses
import json
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.runs.settings import STAGES, Settings, _of
from autosnn_nni.search_spaces import PAPER_CANDIDATES

NAMES = (*PAPER_CANDIDATES, "SCB_k7", "SIB_k3_e3", "max_pool")
POSITIVE = st.integers(1, 10**6)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "dataset": st.sampled_from(["digits", "MNIST", "FashionMNIST", "CIFAR10", "CIFAR100", "SVHN"]),
    "size": st.none(),  # of a user's own pictures alone
    "images": st.none() | POSITIVE,
    "space": st.sampled_from(["SNN_1", "SNN_2", "SNN_3", "SNN_4"]),
    "channels": st.integers(1, 64).map(lambda half: 2 * half),
    "timesteps": POSITIVE,
    "neuron": st.sampled_from(["PLIF", "LIF", "IF", "ANN"]),
    "surrogate": st.sampled_from(["atan", "triangle"]),
    "candidates": st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple),
    "batch_norm": st.sampled_from(["timestep", "kept", "pooled"]),
    "averages": st.sampled_from(["sum", "mean"]),
    "batch_size": st.integers(2, 10**6),
    "learning_rate": st.floats(0, 1, exclude_min=True),
    "schedule": st.sampled_from(["constant", "cosine", "one-cycle"]),
    "loss": st.sampled_from(["mse", "cross-entropy", "tet"]),
    "spike_regularisation": st.floats(0, 10),
    "augmentation": st.sampled_from(["paper", "crop", "none"]),
    "precision": st.sampled_from(["32", "bf16"]),
    "seed": st.integers(0, 2**32 - 100),
    "sampling": st.sampled_from(["uniform", "fair", "sandwich"]),
    "supernet_epochs": POSITIVE,
    "strategy": st.sampled_from(["evolution", "nsga2", "random"]),
    "lambda_": st.floats(-100, 0),
    "discounting": st.sampled_from(["exponential", "linear"]),
    "fitness_": st.sampled_from(["spikes", "synops", "energy:loihi", "memory:4"]),
    "rounds": st.none() | POSITIVE,
    "val_images": st.none() | POSITIVE,
    "calibration_batches": st.integers(0, 10**6),
    "chip": st.sampled_from([None, "speck", "loihi2"]),
    "max_spikes": st.none() | st.floats(0, 1e9, exclude_min=True) | POSITIVE,
    "min_accuracy": st.none() | st.floats(0, 1, exclude_min=True),
    "max": st.lists(st.sampled_from(["energy=2uJ", "memory:4=64KiB"]), unique=True).map(tuple),
    "min": st.sampled_from([(), ("accuracy=85%",)]),
    "objectives": st.sampled_from(
        [("accuracy", "spikes"), ("accuracy", "energy"), ("neurons", "accuracy", "memory")]
    ),
    "retrain_top": st.integers(1, 9),
    "retrain_epochs": POSITIVE,
    "baselines": st.booleans(),
    "seeds": st.integers(1, 100),
}
#: What a file means that lacks a setting. Lines are added for new settings and never changed:
#: another value here changes what files of earlier versions mean. A new default changes nothing.
BEFORE: dict[str, Any] = {
    "plugins": [],
    "dataset": "digits",
    "size": None,
    "images": None,
    "space": "SNN_1",
    "channels": 16,
    "timesteps": None,
    "neuron": "PLIF",
    "surrogate": "atan",
    "candidates": None,
    "batch_norm": "timestep",
    "averages": "mean",
    "batch_size": None,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "loss": "mse",
    "spike_regularisation": 0.0,
    "augmentation": "paper",
    "precision": "32",
    "seed": 0,
    "sampling": "uniform",
    "supernet_epochs": None,
    "strategy": "evolution",
    "lambda": -0.08,
    "discounting": "exponential",
    "fitness": "spikes",
    "rounds": None,
    "val_images": None,
    "calibration_batches": 4,
    "chip": None,
    "max_spikes": None,
    "min_accuracy": None,
    "max": [],
    "min": [],
    "objectives": ["accuracy", "spikes"],
    "retrain_top": 1,
    "retrain_epochs": None,
    "baselines": True,
    "seeds": 1,
}
SETTINGS = st.fixed_dictionaries({}, optional=VALUES).map(lambda values: Settings(**values))


def test_every_setting_is_drawn() -> None:
    assert {one.name for one in dataclasses.fields(Settings)} == VALUES.keys() | {"plugins"}


@hypothesis_settings(deadline=None)
@given(SETTINGS)
def test_settings_survive_a_json_file(settings: Settings) -> None:
    again = Settings.from_json(json.loads(json.dumps(settings.to_json(), allow_nan=False)))
    assert again == settings
    assert not list(settings.differences(again))


@hypothesis_settings(deadline=None)
@given(SETTINGS, st.data())
def test_a_difference_is_named_with_its_stage(settings: Settings, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(VALUES.keys() - {"dataset", "size"})))
    value = data.draw(VALUES[name].filter(lambda value: value is not None))
    other = dataclasses.replace(settings, **{name: value})
    differences = list(settings.differences(other))
    if getattr(settings, name) == value:
        assert not differences
        return
    ((stage, text),) = differences
    (field,) = (one for one in dataclasses.fields(Settings) if one.name == name)
    constrains = name in ("max_spikes", "min_accuracy", "max", "min")
    heeded = constrains and settings.strategy != "random"
    aims = name == "objectives" and settings.strategy == "nsga2"
    assert stage == ("search" if heeded or aims else field.metadata["stage"])
    assert stage in STAGES
    flag = "--" + name.rstrip("_").replace("_", "-")
    own = getattr(settings, name)
    here = "not given" if own is None else repr(own)
    assert text == f"{flag} is {value!r} there, {here} here"


def test_a_setting_that_was_not_given_is_called_that() -> None:
    given, other = Settings(images=10), Settings()
    assert [text for _, text in given.differences(other)] == [
        "--images was not given there, 10 here"
    ]


@pytest.mark.parametrize("dataset", ["digits", "CIFAR10"])
def test_what_is_not_named_is_the_data_sets_own(dataset: str) -> None:
    info, settings = DATASETS[dataset].info, Settings(dataset=dataset)
    for name in ("supernet_epochs", "retrain_epochs", "batch_size"):
        assert getattr(settings, name) == getattr(info, name)
    assert (settings.network.shape, settings.network.classes) == (info.shape, info.classes)


def test_the_defaults_are_the_papers() -> None:
    settings = Settings(dataset="CIFAR10")
    assert settings.supernet_epochs == settings.retrain_epochs == 600
    assert (settings.batch_size, settings.learning_rate) == (96, 1e-3)
    assert settings.schedule == "constant"
    assert (settings.space, settings.channels, settings.timesteps) == ("SNN_1", 16, 8)
    assert (settings.strategy, settings.rounds, settings.lambda_) == ("evolution", None, -0.08)
    assert settings.candidates == ("skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5")


def test_the_rate_is_the_schedules_unless_it_is_named() -> None:
    assert Settings(schedule="one-cycle").learning_rate == 1e-2
    assert Settings(schedule="one-cycle", learning_rate=3e-3).learning_rate == 3e-3


def test_the_seeds_of_stage_3_begin_with_the_runs() -> None:
    assert list(Settings().retrain_seeds) == [0]
    assert list(Settings(seed=5, seeds=3).retrain_seeds) == [5, 6, 7]


@pytest.mark.parametrize(("seed", "seeds"), [(0, 0), (0, -1), (2**32 - 1, 2)])
def test_seeds_that_do_not_exist_are_refused(seed: int, seeds: int) -> None:
    with pytest.raises(UserError, match=rf"^--seeds must be from 1 to \d+ after --seed {seed}, "):
        Settings(seed=seed, seeds=seeds)


def test_lambda_is_written_without_its_underscore() -> None:
    values = Settings(lambda_=-0.5).to_json()
    assert values["lambda"] == -0.5
    assert "lambda_" not in values


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("channels", "many"),
        ("channels", 2.5),
        ("channels", True),
        ("channels", None),
        ("space", 1),
        ("dataset", ["digits"]),
        ("candidates", 7),
        ("candidates", [1, 2]),
        ("candidates", "skip"),
        ("images", "all"),
        ("learning_rate", "fast"),
        ("lambda", None),
        ("baselines", 1),
        ("max_spikes", "80K"),
        ("min_accuracy", True),
        ("plugins", 3),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    values = {**Settings().to_json(), name: value}
    with pytest.raises(UserError, match=rf"^--{name.replace('_', '-')} can't be "):
        Settings.from_json(values)


def test_a_whole_number_may_stand_for_a_fraction() -> None:
    values = {**Settings().to_json(), "lambda": 0, "learning_rate": 1}
    assert Settings.from_json(values) == Settings(lambda_=0.0, learning_rate=1.0)


def test_files_keep_their_meaning() -> None:
    assert Settings.before() == BEFORE


@dataclasses.dataclass(frozen=True, kw_only=True)
class Later(Settings):
    """The settings of a later version: another default, of another type, and one more setting."""

    loss: str = _of("supernet", "tet", "Loss", before="mse")
    rounds: int | None = _of("search", 20, "Generations", before=None)
    reset: str = _of("supernet", "soft", "Reset of neurons", before="hard")


def test_a_setting_that_a_file_lacks_is_as_it_was_before() -> None:
    values = Settings(channels=4, batch_size=7).to_json()
    for name in ("loss", "rounds"):
        del values[name]
    read = Later.from_json(values)
    assert (read.loss, read.rounds, read.reset) == ("mse", None, "hard")
    assert (read.channels, read.batch_size) == (4, 7)
    assert (Later().loss, Later().rounds, Later().reset) == ("tet", 20, "soft")
    assert Later.from_json(read.to_json()) == read


@hypothesis_settings(deadline=None)
@given(SETTINGS, st.sets(st.sampled_from(sorted(BEFORE))))
def test_any_setting_may_be_missing(settings: Settings, missing: set[str]) -> None:
    kept = {key: value for key, value in settings.to_json().items() if key not in missing}
    hypothesis.assume(kept)
    read = Settings.from_json(kept).to_json()
    assert {key: read[key] for key in kept} == kept
    for key in missing:
        assert BEFORE[key] in (None, read[key])


@pytest.mark.parametrize("values", [{}, [], None, 3])
def test_what_is_no_runs_settings_is_refused(values: Any) -> None:
    with pytest.raises(UserError, match="these are not a run's settings"):
        Settings.from_json(values)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(UserError, match=r"^unknown settings: colour, shape; restore them or"):
        Settings.from_json({"channels": 2, "shape": 1, "colour": 2})
