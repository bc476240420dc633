"""Runs of earlier versions are read, and can be resumed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from autosnn_nni import __version__
from autosnn_nni.files import read_json, write_json
from autosnn_nni.formats import FORMAT
from autosnn_nni.runs.contents import read_contents
from autosnn_nni.training.checkpoints import load_checkpoint

pytestmark = pytest.mark.slow

EARLIER = Path(__file__).parents[2] / "runs_of_earlier_versions"
#: The settings that both runs of every version have been started with.
GIVEN = (
    *("--channels", 2, "--timesteps", 2, "--images", 60, "--candidates", "skip,SRB_k3"),
    *("--learning-rate", 0.01, "--supernet-epochs", 6, "--rounds", 2, "--retrain-epochs", 2),
    "--no-baselines",
)
BLOCKS = "skip,skip,SRB_k3,skip,skip"

Autosnn = Callable[..., Any]


@pytest.fixture(params=sorted(path.name for path in EARLIER.iterdir() if path.is_dir()))
def version(request: pytest.FixtureRequest) -> Path:
    """The folder of an earlier version."""
    return EARLIER / str(request.param)


@pytest.fixture
def finished(version: Path, tmp_path: Path) -> Path:
    return shutil.copytree(version / "finished", tmp_path / "finished")


@pytest.fixture
def interrupted(version: Path, tmp_path: Path) -> Path:
    return shutil.copytree(version / "interrupted", tmp_path / "interrupted")


def succeed(outcome: Any) -> Any:
    assert outcome.code == 0, outcome.err
    return outcome


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_it_is_reported(finished: Path, autosnn: Autosnn) -> None:
    before = contents(finished)
    succeed(autosnn("report", finished))
    after = contents(finished)
    assert {name: after[name] for name in before} == before
    assert {"report.html", "figures/search.png", "figures/trust.png"} <= after.keys()
    found = read_contents(finished)
    assert found.best
    assert found.result
    assert (len(found.supernet), len(found.training), len(found.judged)) == (6, 2, 3)


def test_it_is_evaluated(finished: Path, autosnn: Autosnn) -> None:
    result = read_json(finished / "result.json")
    for trained in (finished, finished / "retrained.ckpt"):
        out = succeed(autosnn("evaluate", trained)).out
        assert f"{100 * result['accuracy']:.1f}" in out
    succeed(autosnn("evaluate", finished, "--blocks", BLOCKS))
    succeed(autosnn("evaluate", finished / "supernet.ckpt", "--blocks", BLOCKS))


def test_it_is_described(finished: Path, autosnn: Autosnn) -> None:
    judged = pd.read_csv(finished / "trust.csv")
    row = judged.set_index([f"tbd{number}" for number in range(1, 6)]).loc[tuple(BLOCKS.split(","))]
    out = succeed(autosnn("describe", "--run", finished, "--blocks", BLOCKS)).out
    assert f"Accuracy on D_val: {100 * row['supernet_accuracy']:.2f} %" in out


@pytest.mark.parametrize("given", [(), GIVEN], ids=["nothing given", "all given"])
def test_a_finished_run_stays_as_it_is(
    given: tuple[object, ...], finished: Path, autosnn: Autosnn
) -> None:
    before = contents(finished)
    outcome = succeed(autosnn("search", "--output", finished, *given))
    assert "Training" not in outcome.err
    assert {name: contents(finished)[name] for name in before} == before


def test_it_is_searched_again_on_the_same_supernet(finished: Path, autosnn: Autosnn) -> None:
    before = contents(finished)
    succeed(autosnn("search", "--output", finished, "--lambda", -0.9))
    after = contents(finished)
    assert after["supernet.ckpt"] == before["supernet.ckpt"]
    for name in ("settings.json", "search.json", "best.json", "result.json", "retrained.ckpt"):
        assert after[f"previous/1/{name}"] == before[name]
    for name in ("settings.json", "search.json", "best.json", "result.json"):
        written = read_json(finished / name)
        assert (written["format"], written["version"]) == (FORMAT, __version__)
    settings = {**read_json(finished / "previous/1/settings.json"), "lambda": -0.9}
    assert settings.items() <= read_json(finished / "settings.json").items()


def test_a_pick_is_trained_from_it(finished: Path, tmp_path: Path, autosnn: Autosnn) -> None:
    picked = tmp_path / "picked"
    succeed(autosnn("train", "--from", finished, "--pick", "fittest", "--output", picked))
    best, result = read_json(finished / "best.json"), read_json(picked / "result.json")
    assert result["blocks"] == best["blocks"]
    named = tmp_path / "named"
    own = ("--retrain-epochs", 1, "--images", 60, "--output", named)
    succeed(autosnn("train", "--architecture", finished / "best.json", *own))
    assert read_json(named / "result.json")["blocks"] == best["blocks"]


def test_trust_is_repeated_without_training(finished: Path, autosnn: Autosnn) -> None:
    before, table = contents(finished), pd.read_csv(finished / "trust.csv")
    outcome = succeed(autosnn("trust", finished, "--sample", 3, "--seeds", 1))
    assert "Training" not in outcome.err
    after = contents(finished)
    kept = [name for name in before if name.startswith(("trust/", "supernet", "retrained"))]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    again = pd.read_csv(finished / "trust.csv")
    pd.testing.assert_frame_equal(again[table.columns], table, rtol=1e-2)


@pytest.mark.parametrize("given", [(), GIVEN], ids=["nothing given", "all given"])
def test_an_interrupted_run_is_resumed_to_its_end(
    given: tuple[object, ...], interrupted: Path, autosnn: Autosnn
) -> None:
    before = pd.read_csv(interrupted / "supernet.csv")
    succeed(autosnn("search", "--output", interrupted, *given))
    curve = pd.read_csv(interrupted / "supernet.csv")
    assert list(curve["epoch"]) == list(range(6))
    pd.testing.assert_frame_equal(curve.head(len(before)), before)
    assert load_checkpoint(interrupted / "supernet.ckpt").epochs == 6
    found = read_contents(interrupted)
    assert found.best
    assert found.result
    assert (interrupted / "report.html").exists()


def without(run: Path, *names: str) -> Path:
    """A run whose settings and supernet are from before some settings existed."""
    settings = read_json(run / "settings.json")
    write_json(run / "settings.json", {key: settings[key] for key in settings if key not in names})
    for path in run.glob("*.ckpt"):
        raw = torch.load(path, weights_only=True)
        for name in names:
            raw["autosnn"]["settings"].pop(name, None)
        torch.save(raw, path)
    return run


LACKING = (
    *("batch_norm", "averages", "loss", "schedule", "sampling"),
    *("precision", "calibration_batches", "val_images"),
)


def test_files_that_lack_settings_are_used(finished: Path, autosnn: Autosnn) -> None:
    result = read_json(finished / "result.json")
    without(finished, *LACKING)
    for command in (
        ("evaluate", finished / "retrained.ckpt"),
        ("evaluate", finished, "--blocks", BLOCKS),
        ("describe", "--run", finished, "--blocks", BLOCKS),
        ("trust", finished, "--sample", 3),
        ("report", finished),
        ("search", "--output", finished),
    ):
        succeed(autosnn(*command))
    assert read_json(finished / "result.json") == result
    assert read_contents(finished).settings["batch_norm"] == "timestep"


def test_a_run_that_lacks_settings_is_resumed(interrupted: Path, autosnn: Autosnn) -> None:
    without(interrupted, *LACKING)
    before = (interrupted / "settings.json").read_bytes()
    succeed(autosnn("supernet", "--output", interrupted, *GIVEN))
    assert load_checkpoint(interrupted / "supernet.ckpt").epochs == 6
    assert (interrupted / "settings.json").read_bytes() == before


def test_what_differs_from_before_is_refused(interrupted: Path, autosnn: Autosnn) -> None:
    without(interrupted, *LACKING)
    before = contents(interrupted)
    outcome = autosnn("supernet", "--output", interrupted, "--batch-norm", "kept")
    assert outcome.code == 2
    assert "--batch-norm is 'timestep' there, 'kept' here" in outcome.err
    assert contents(interrupted) == before


def test_a_supernet_of_before_is_not_taken_for_another(interrupted: Path, autosnn: Autosnn) -> None:
    """The settings beside it are newer: copied from another run, for example."""
    settings = read_json(interrupted / "settings.json")
    without(interrupted, "batch_norm")
    before = contents(interrupted)["supernet.ckpt"]
    write_json(interrupted / "settings.json", {**settings, "batch_norm": "kept"})
    outcome = autosnn("supernet", "--output", interrupted)
    assert outcome.code == 2
    assert "is of another network: batch_norm is timestep there, kept here" in outcome.err
    assert (interrupted / "supernet.ckpt").read_bytes() == before


def test_unknown_settings_in_a_checkpoint_are_refused(finished: Path, autosnn: Autosnn) -> None:
    path = finished / "retrained.ckpt"
    raw = torch.load(path, weights_only=True)
    raw["autosnn"]["settings"]["colour"] = "red"
    torch.save(raw, path)
    outcome = autosnn("evaluate", path)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{path}: unknown settings: colour; restore them" in outcome.err
