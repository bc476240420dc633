"""Own pictures from the first command to a prediction."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.files import read_json
from tests.autosnn_nni.data.test_own import fill, picture

Autosnn = Callable[..., Any]
SKIPS = ",".join(["skip"] * 5)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("own") / "insects", {"train": 8, "test": 2})


@pytest.fixture(scope="module")
def run(own: Path, make_run: Callable[..., Path], tiny: tuple[str, ...]) -> Path:
    position = tiny.index("--images")
    settings = (*tiny[:position], *tiny[position + 2 :])
    return make_run("search", *settings, "--dataset", str(own), "--size", "16")


def test_a_search_names_the_classes(run: Path, own: Path) -> None:
    settings, result = read_json(run / "settings.json"), read_json(run / "result.json")
    assert (settings["dataset"], settings["size"]) == (str(own.resolve()), 16)
    assert result["classes"] == ["ant", "bee 9", "bee 10"]
    confusion = pd.DataFrame(result["confusion"])
    assert confusion.sum(axis=1).tolist() == [2, 2, 2]
    assert sum(confusion.loc[i, i] for i in range(3)) / 6 == pytest.approx(result["accuracy"])
    html = (run / "report.html").read_text()
    assert '<section id="confusion">' in html
    assert "<td>bee 10</td>" in html


def test_evaluate_and_predict_know_them(
    run: Path, own: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    outcome = autosnn("evaluate", run, "--json")
    assert json.loads(outcome.out)["classes"] == ["ant", "bee 9", "bee 10"]
    picture(height=30, width=40).save(tmp_path / "new.jpg")
    outcome = autosnn("predict", run, tmp_path / "new.jpg", "--json")
    (told,) = json.loads(outcome.out)
    label = told["label"]  # none, as long as no neuron fires
    assert told["name"] == (None if label is None else told["classes"][label])


def test_the_folder_of_the_run_has_the_datas_name(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autosnn: Autosnn
) -> None:
    monkeypatch.chdir(tmp_path)
    size = ("--channels", "2", "--timesteps", "1", "--supernet-epochs", "1")
    outcome = autosnn("supernet", "--dataset", own, *size)
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "runs/insects/supernet.ckpt").exists()


def test_pictures_that_have_gone_are_one_line(run: Path, own: Path, autosnn: Autosnn) -> None:
    moved = own.rename(own.with_name("elsewhere"))
    try:
        outcome = autosnn("evaluate", run)
        assert outcome.code == 2
        (line,) = outcome.err.splitlines()
        assert f"{own} is neither a folder with train/ and test/ nor an .npz file" in line
    finally:
        moved.rename(own)


def test_describe_takes_them_too(own: Path, autosnn: Autosnn) -> None:
    outcome = autosnn("describe", "--blocks", SKIPS, "--dataset", own, "--json")
    assert json.loads(outcome.out)["image"] == [3, 8, 8]
