"""Experiments with trials that refuse to start, and what a trial reports."""

import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nni
import pytest
from nni.tools.nnictl.config_utils import Experiments

from autosnn_nni import RetiariiExperiment, TrialEvaluator, UserError
from autosnn_nni.nas.trial import Trial
from autosnn_nni.nas.trial_engine import TrialModelSpace
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.machine import Machine
from autosnn_nni.search_spaces import SpikingSpace, to_sample
from autosnn_nni.strategies import AutoSNN, Fitness, RandomSearch, TrialSearch
from tests.ports import free_port

SEARCH = RandomSearch(rounds=1, population=2)
BLOCKS = ("skip", "SRB_k5", "SCB_k3", "skip", "SRB_k3")


@pytest.fixture
def space(finished: Path) -> SpikingSpace:
    """The model space of the finished run."""
    return SpikingSpace(**vars(load_run(finished).settings.network))


def files(folder: Path) -> set[Path]:
    """All files but NNI's list of experiments."""
    return {path for path in folder.rglob("*") if path.is_file() and ".exp" not in path.name}


def refused(home: Path, space: SpikingSpace, evaluator: Any, **options: Any) -> str:
    """The one line with which an experiment refuses to start, having left nothing behind."""
    port = options.pop("port", None) or free_port()
    resume = options.pop("resume", False)
    options.setdefault("strategy", TrialSearch(SEARCH))
    experiment = RetiariiExperiment(space, evaluator, **options)
    before = files(home)
    with pytest.raises(UserError) as caught:
        experiment.resume(port) if resume else experiment.run(port=port)
    assert files(home) == before
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_port_in_use_is_refused(home: Path, space: SpikingSpace, finished: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        line = refused(home, space, TrialEvaluator(finished), port=port)
    assert f"port {port} is in use" in line


def test_a_run_without_a_supernet_is_refused(home: Path, space: SpikingSpace, run: Path) -> None:
    (run / "supernet.ckpt").unlink()
    assert "has no supernet" in refused(home, space, TrialEvaluator(run))


def test_what_is_no_run_is_refused(home: Path, space: SpikingSpace, tmp_path: Path) -> None:
    assert "is not a run" in refused(home, space, TrialEvaluator(tmp_path))


def test_another_space_is_refused(
    home: Path, make_space: Callable[..., SpikingSpace], finished: Path
) -> None:
    line = refused(home, make_space(channels=4), TrialEvaluator(finished))
    assert line.startswith(f"the space is not that of {finished}: channels is 2 there, 4 here")


def test_epochs_go_with_training_from_scratch(finished: Path) -> None:
    for options in ({"epochs": 3}, {"epochs": 0, "scratch": True}):
        with pytest.raises(UserError, match="epochs must be at least 1, and needs scratch"):
            TrialEvaluator(finished, **options)


def test_an_unknown_experiment_is_not_resumed(
    home: Path, space: SpikingSpace, finished: Path
) -> None:
    line = refused(home, space, TrialEvaluator(finished), id="nothing", resume=True)
    assert "NNI has no experiment nothing" in line


def test_a_running_experiment_is_neither_resumed_nor_started_again(
    home: Path, space: SpikingSpace, finished: Path
) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()", "busy"], stdin=subprocess.PIPE)
    Experiments().add_experiment("busy", 1, 0, "local", "", pid=process.pid, logDir=str(home))
    evaluator = TrialEvaluator(finished)
    assert "experiment busy exists" in refused(home, space, evaluator, id="busy")
    line = refused(home, space, evaluator, id="busy", resume=True)
    assert "experiment busy was stopped before it started" in line
    config = home / "busy" / "checkpoint" / "config.json"
    config.parent.mkdir(parents=True)
    config.touch()
    try:
        line = refused(home, space, evaluator, id="busy", resume=True)
    finally:
        process.communicate(b"\n")
    assert line == "experiment busy is still running; run nnictl stop busy"


def test_only_searches_by_trials_are_resumed(
    home: Path, space: SpikingSpace, finished: Path
) -> None:
    strategy = AutoSNN(SEARCH, Fitness())
    line = refused(home, space, TrialEvaluator(finished), strategy=strategy, resume=True)
    assert "only a TrialSearch can be resumed" in line


@pytest.mark.parametrize("options", [{}, {"lambda_": -0.5}, {"scratch": True, "epochs": 1}])
def test_trials_report_what_the_command_line_s_trials_do(
    options: dict[str, Any],
    space: SpikingSpace,
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(nni, "report_final_result", reported.append)
    evaluator = TrialEvaluator(finished, device="cpu", **options)
    sent = nni.dump(TrialModelSpace.from_model(space, evaluator).freeze(to_sample(BLOCKS)))
    model = nni.load(sent)  # as a trial does
    assert model.evaluator == evaluator
    model.execute()
    trial = Trial(load_run(finished), Machine(device="cpu"), options.get("lambda_"))
    expected = trial.train(BLOCKS, 1) if "scratch" in options else trial.inherit(BLOCKS)
    assert reported == [expected]


def test_trials_from_scratch_are_scored_on_the_images_of_the_search(finished: Path) -> None:
    run = load_run(finished)
    few = replace(run, settings=replace(run.settings, val_images=7))
    found = Trial(few, Machine(device="cpu")).train(BLOCKS, 1)
    assert found["accuracy"] * 7 == pytest.approx(round(found["accuracy"] * 7))
