"""Runs that recipes share: done once, gone on with, found by what they depend on."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.data import DATASETS
from autosnn_nni.files import read_json
from autosnn_nni.pipeline import Pipeline
from autosnn_nni.reproduce import laboratory as module
from autosnn_nni.reproduce.laboratory import Laboratory, random_architectures
from autosnn_nni.runs.directory import load_run, locked
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.settings import Settings

VALUES: dict[str, Any] = {
    "dataset": "digits",
    "channels": 2,
    "timesteps": 2,
    "images": 60,
    "supernet_epochs": 1,
    "retrain_epochs": 1,
    "rounds": 1,
    "seed": 0,
}
SKIPS = ("skip",) * 5


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path, Machine(device="cpu"))


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the stages that have been run."""
    stages: list[str] = []
    for name in ("supernet", "search", "train"):
        whole = getattr(Pipeline, name)

        def stage(self: Pipeline, *args: Any, name: str = name, whole: Any = whole) -> None:
            if name != "train" or not self.run.result.exists():
                stages.append(name)
            whole(self, *args)

        monkeypatch.setattr(Pipeline, name, stage)
    return stages


def runs(laboratory: Laboratory, kind: str) -> list[Path]:
    return sorted((laboratory.path / kind).glob("*"))


def test_a_training_is_done_once(laboratory: Laboratory, done: list[str]) -> None:
    result = laboratory.train(VALUES, SKIPS)
    assert laboratory.train({**VALUES, "lambda": 0, "rounds": 7}, SKIPS) == result
    assert laboratory.train({**VALUES, "space": "SNN_1", "neuron": "PLIF"}, SKIPS) == result
    assert done == ["train"]
    (run,) = runs(laboratory, "trained")
    assert read_json(run / "result.json") == result
    assert run.name.startswith("SNN_1-skip-PLIF-digits-C2-T2-seed0-")
    assert read_json(run / "data.json")["images"] > 0


def test_a_training_is_done_once_under_other_defaults_too(
    laboratory: Laboratory, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = laboratory.train(VALUES, SKIPS)
    info = replace(DATASETS["digits"].info, batch_size=50)
    monkeypatch.setattr(Settings, "_data_info", info)
    assert laboratory.train(VALUES, SKIPS) == result
    assert done == ["train"]


@pytest.mark.parametrize("change", [{"seed": 1}, {"timesteps": 1}, {"spike_regularisation": 0.1}])
def test_another_setting_is_another_training(
    change: dict[str, Any], laboratory: Laboratory
) -> None:
    laboratory.train(VALUES, SKIPS)
    laboratory.train({**VALUES, **change}, SKIPS)
    assert len(runs(laboratory, "trained")) == 2


@pytest.mark.slow
def test_searches_share_a_supernet(laboratory: Laboratory, done: list[str]) -> None:
    for change in ({"lambda": 0}, {"lambda": -0.5}, {"strategy": "random"}, {"lambda": 0}):
        blocks = laboratory.search({**VALUES, **change})
        assert len(blocks) == 5
    assert len(runs(laboratory, "supernets")) == 1
    searched = [load_run(run).settings for run in runs(laboratory, "searched")]
    assert len(searched) == 3
    assert {one.lambda_ for one in searched} == {0, -0.5, -0.08}
    checkpoints = {(run / "supernet.ckpt").read_bytes() for run in runs(laboratory, "searched")}
    assert len(checkpoints) == 1


def test_a_search_without_training_needs_no_supernet(laboratory: Laboratory) -> None:
    assert len(laboratory.search({**VALUES, "strategy": "snasnet"})) == 5
    assert not runs(laboratory, "supernets")


def test_scores_are_those_of_the_supernets_search(laboratory: Laboratory) -> None:
    laboratory.search(VALUES)
    (run,) = runs(laboratory, "searched")
    one = read_json(run / "search.json")["evaluated"][3]
    scored = laboratory.score(VALUES, tuple(one["blocks"]))
    assert (scored["accuracy"], scored["spikes"]) == (one["accuracy"], one["spikes"])


def test_another_process_is_waited_for(laboratory: Laboratory) -> None:
    result = laboratory.train(VALUES, SKIPS)
    (run,) = runs(laboratory, "trained")
    found: list[dict[str, Any]] = []
    with locked(run):
        thread = threading.Thread(target=lambda: found.append(laboratory.train(VALUES, SKIPS)))
        thread.start()
        thread.join(timeout=0.5)
        assert not found
    thread.join(timeout=300)
    assert found == [result]


def test_each_data_set_may_have_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data/SVHN").mkdir(parents=True)
    asked: list[Path | None] = []

    def pipeline(run: Any, machine: Machine) -> Any:
        asked.append(machine.data_dir)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "Pipeline", pipeline)
    there = Laboratory(tmp_path / "lab", Machine(data_dir=tmp_path / "data"))
    for dataset in ("SVHN", "CIFAR10"):
        with pytest.raises(KeyboardInterrupt):
            there.train({**VALUES, "dataset": dataset}, SKIPS)
    assert asked == [tmp_path / "data/SVHN", tmp_path / "data"]


def test_random_architectures_are_different_and_the_first_of_more() -> None:
    few, many = (random_architectures(VALUES, count) for count in (5, 50))
    assert many[:5] == few
    assert len(set(many)) == 50
    assert all(len(blocks) == 5 for blocks in many)
    assert random_architectures({**VALUES, "seed": 1}, 5) != few
    assert all(len(blocks) == 8 for blocks in random_architectures({**VALUES, "space": "SNN_3"}, 3))


def test_what_is_not_asked_for_changes_no_name(
    laboratory: Laboratory, make_space: Callable[..., Any]
) -> None:
    """A setting that is new to the package leaves earlier results where they are."""
    laboratory.train(VALUES, SKIPS)
    (run,) = runs(laboratory, "trained")
    assert run.name.endswith(module._folder(load_run(run).settings, _asked(), SKIPS)[-8:])


def _asked() -> dict[str, Any]:
    return {key: value for key, value in VALUES.items() if key not in module._SUPERNET_ONLY}
