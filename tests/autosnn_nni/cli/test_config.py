"""Settings from a file: ``--config``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.cli.options import with_settings
from autosnn_nni.files import read_json
from autosnn_nni.runs.settings import STAGES
from tests.autosnn_nni.cli.test_options import FLAGS, OTHERS, command_line

Autosnn = Callable[..., Any]

YAML = """
dataset: digits
learning-rate: 1e-3
max_spikes: 80K
lambda: -0.2
timesteps: 2,4
candidates: [skip, SCB_k7]
objectives: accuracy,energy:loihi
max: energy=2uJ
baselines: false
precision: 32
size:
"""


def read(*arguments: object) -> dict[str, Any]:
    """The settings that a command gets."""
    return command_line(with_settings(*STAGES), *arguments)


def test_a_yaml_file_has_settings_by_the_names_of_their_options(tmp_path: Path) -> None:
    file = tmp_path / "run.yml"
    file.write_text(YAML)
    assert read("--config", file) == {
        "dataset": "digits",
        "learning_rate": 1e-3,
        "max_spikes": 80_000.0,
        "lambda_": -0.2,
        "timesteps": (2, 4),
        "candidates": ("skip", "SCB_k7"),
        "objectives": ("accuracy", "energy:loihi"),
        "max": ("energy=2uJ",),
        "baselines": False,
        "precision": "32",
    }


def test_options_win(tmp_path: Path) -> None:
    file = tmp_path / "run.yml"
    file.write_text("channels: 4\nrounds: 2\n")
    assert read("--config", file, "--channels", 8) == {"channels": 8, "rounds": 2}


def test_text_in_a_file_means_what_it_means_on_the_command_line(tmp_path: Path) -> None:
    options = [f"{FLAGS[name]}={value}" for name, value in OTHERS.items()]
    file = tmp_path / "run.yml"
    file.write_text("".join(f"{FLAGS[name][2:]}: {value}\n" for name, value in OTHERS.items()))
    assert read("--config", file) == read(*options)


def test_none_in_a_file_takes_a_constraint_back(tmp_path: Path) -> None:
    file = tmp_path / "run.yml"
    file.write_text("max_spikes: none\nmin-accuracy: none\nmax: none\nmin: none\nsize:\n")
    assert read("--config", file) == {
        "max_spikes": None,
        "min_accuracy": None,
        "max": (),
        "min": (),
    }


def test_the_settings_of_another_run(run: Path, tmp_path: Path, autosnn: Autosnn) -> None:
    outcome = autosnn(
        "supernet", "--config", run / "settings.json", "--seed=7", "--output", tmp_path / "other"
    )
    assert outcome.code == 0, outcome.err
    other = read_json(tmp_path / "other/settings.json")
    assert other == {**read_json(run / "settings.json"), "seed": 7}


def test_what_an_older_file_lacks_means_what_it_meant_then(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"format": 1, "version": "0.1.0", "dataset": "digits"}))
    assert read("--config", file)["schedule"] == "constant"


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("chanels: 4", ("unknown setting 'chanels'", "did you mean 'channels'")),
        ("- 4", ("has no settings", "channels: 16")),
        ("", ("has no settings", "channels: 16")),
        ("a: b: c", ("is not YAML", "channels: 16")),
        ("max_spikes: many", ("must be a number", "'many'")),
        ("baselines: maybe", ("run.yml: --baselines can't be 'maybe'; give true or false",)),
        ("lambda: [1]", ("run.yml: --lambda can't be (1,); give a number",)),
        ("candidates: 3", ("run.yml: --candidates can't be 3; give a list of names",)),
        ("channels: few", ("run.yml: --channels can't be 'few'; give a whole number",)),
    ],
)
def test_a_wrong_file_is_named(
    text: str, fragments: tuple[str, ...], tmp_path: Path, autosnn: Autosnn
) -> None:
    file = tmp_path / "run.yml"
    file.write_text(text)
    outcome = autosnn("search", "--config", file, "--output", tmp_path / "run")
    assert outcome.code == 2
    assert all(fragment in outcome.err for fragment in fragments), outcome.err
    assert not (tmp_path / "run").exists()


def test_a_missing_file_is_named(tmp_path: Path, autosnn: Autosnn) -> None:
    for name in ("none.yml", "none.json"):
        outcome = autosnn("search", "--config", tmp_path / name)
        assert outcome.code == 2
        assert name in outcome.err
