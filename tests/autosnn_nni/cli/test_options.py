"""Every setting is an option of the command line."""

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from autosnn_nni.cli.options import with_settings
from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.runs.directory import plan_run
from autosnn_nni.runs.settings import OF_ONE_NETWORK, Settings
from tests.autosnn_nni.data.test_own import fill

Autosnn = Callable[..., Any]
FLAGS = {
    one.name: "--" + one.name.rstrip("_").removesuffix("s" if one.name == "plugins" else "")
    for one in dataclasses.fields(Settings)
}
FLAGS = {name: flag.replace("_", "-") for name, flag in FLAGS.items()}
OTHERS = {
    "size": "16",
    "images": "30",
    "space": "SNN_4",
    "channels": "4",
    "timesteps": "1",
    "neuron": "IF",
    "surrogate": "triangle",
    "candidates": "skip, SCB_k7",
    "batch_norm": "pooled",
    "averages": "mean",
    "batch_size": "7",
    "learning_rate": "0.5",
    "schedule": "one-cycle",
    "loss": "tet",
    "spike_regularisation": "0.1",
    "augmentation": "none",
    "precision": "bf16",
    "seed": "3",
    "sampling": "fair",
    "supernet_epochs": "1",
    "strategy": "random",
    "lambda_": "-1.5",
    "discounting": "linear",
    "rounds": "4",
    "calibration_batches": "0",
    "val_images": "5",
    "chip": "loihi",
    "max_spikes": "80000",
    "min_accuracy": "0.5",
    "fitness_": "synops",
    "max": "energy=2uJ",
    "min": "accuracy=40%",
    "objectives": "accuracy,energy:loihi",
    "retrain_top": "2",
    "retrain_epochs": "9",
    "seeds": "2",
}


@pytest.mark.parametrize("command", ["search", "supernet"])
def test_help_shows_every_setting_with_its_default(command: str, autosnn: Autosnn) -> None:
    outcome = autosnn(command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    text = " ".join(outcome.out.split())
    offered = set(re.findall(r"--[a-z-]+", text))
    assert set(FLAGS.values()) <= offered
    assert "--no-baselines" in offered
    for default in ("SNN_1", "16", "PLIF", "-0.08", "evolution", "0.001", "SRB_k3,SRB_k5"):
        assert f"[default: {default}" in text or f",{default}]" in text


def test_train_shows_what_matters_to_it_and_takes_the_rest(autosnn: Autosnn) -> None:
    offered = set(re.findall(r"--[a-z-]+", autosnn("train", "-h").out))
    assert {FLAGS[name] for name in OF_ONE_NETWORK} <= offered
    assert not {"--lambda", "--sampling", "--supernet-epochs", "--max-spikes"} & offered
    outcome = autosnn("train", "--lambda=-0.1", "--blocks", "skip")
    assert "SNN_1 has 5 TBD blocks" in outcome.err


def test_an_option_for_every_setting_reaches_the_run(tmp_path: Path, autosnn: Autosnn) -> None:
    assert OTHERS.keys() | {"dataset", "plugins", "baselines"} == FLAGS.keys()
    own = fill(tmp_path / "own", {"train": 20, "test": 2})
    plugin = tmp_path / "nothing.py"
    plugin.write_text("")
    options = [f"{FLAGS[name]}={value}" for name, value in OTHERS.items()]
    options += [f"--dataset={own}", f"--plugin={plugin}", "--no-baselines"]
    outcome = autosnn("supernet", "--output", tmp_path / "run", *options)
    assert outcome.code == 0, outcome.err
    written = read_json(tmp_path / "run/settings.json")
    assert written.pop("dataset") == str(own)
    assert written.pop("plugins") == [str(plugin)]
    assert written.pop("baselines") is False
    lists = {
        "candidates": ["skip", "SCB_k7"],
        "max": ["energy=2uJ"],
        "min": ["accuracy=40%"],
        "objectives": ["accuracy", "energy:loihi"],
    }
    assert {name: written.pop(name) for name in lists} == lists
    for name, value in OTHERS.items():
        if name not in lists:
            key = name.rstrip("_")
            assert written[key] == type(written[key])(value)
            assert value != str(Settings().to_json()[key])


def command_line(decorate: Callable[..., Any], *arguments: object) -> dict[str, Any]:
    """What a command with the ``decorate``d options gets from these ``arguments``."""
    seen: dict[str, Any] = {}
    app = typer.Typer()

    @app.command()
    @decorate
    def command(given: dict[str, Any], shout: bool = False) -> None:
        """A command."""
        seen.update(given, **({"shout": True} if shout else {}))

    typer.main.get_command(app).main([*map(str, arguments)], "x", standalone_mode=False)
    return seen


CONSTRAINTS = ("max_spikes", "min_accuracy", "max", "min")


def test_constraints_can_be_taken_back(finished: Path, tmp_path: Path) -> None:
    run, options = shutil.copytree(finished, tmp_path / "run"), with_settings("choice")
    before = read_json(run / "settings.json")
    constrained = command_line(options, *(f"{FLAGS[name]}={OTHERS[name]}" for name in CONSTRAINTS))
    planned = plan_run(run, constrained)
    planned.write_settings(planned.settings.to_json())
    assert read_json(run / "settings.json") != before
    free = command_line(options, *(f"{FLAGS[name]}=none" for name in CONSTRAINTS))
    assert plan_run(run, free).settings.to_json().items() <= before.items()


def test_a_percentage_is_a_minimum_accuracy() -> None:
    assert command_line(with_settings("choice"), "--min-accuracy=85%") == {"min_accuracy": 0.85}
    with pytest.raises(UserError, match="must be a fraction or a percentage, such as"):
        command_line(with_settings("choice"), "--min-accuracy=85")


def test_a_command_gets_what_was_named_and_nothing_else() -> None:
    options = with_settings("search")
    assert command_line(options) == {}
    got = command_line(options, "--lambda", "-0.5", "--rounds=2", "--shout")
    assert got == {"lambda_": -0.5, "rounds": 2, "shout": True}
    with pytest.raises(Exception, match="No such option: --channels"):
        command_line(options, "--channels", "2")
