"""Timesteps chosen with the blocks, from the command line to the report."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.manager.checks import check_run
from autosnn_nni.runs.directory import load_run
from autosnn_nni.search_spaces import NetworkConfig

Autosnn = Callable[..., Any]
BLOCKS = "SRB_k5,SRB_k5,skip,SRB_k3,SRB_k5"


@pytest.fixture(scope="module")
def settings(tiny: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a tiny run, with a choice of timesteps."""
    return (*tiny, "--timesteps", "1,2", "--baselines")


@pytest.fixture(scope="module")
def chosen(make_run: Callable[..., Path], settings: tuple[str, ...]) -> Path:
    """A finished search, to be read only."""
    return make_run("search", *settings)


def test_a_search_chooses_timesteps_with_the_blocks(chosen: Path) -> None:
    assert read_json(chosen / "settings.json")["timesteps"] == [1, 2]
    candidates = pd.read_csv(chosen / "candidates.csv")
    assert set(candidates["timesteps"]) == {"T1", "T2"}
    fittest = candidates.loc[candidates["fitness"].idxmax()]
    best = read_json(chosen / "best.json")
    assert best["blocks"] == [fittest[f"tbd{number}"] for number in range(1, 6)]
    assert f"T{best['timesteps']}" == fittest["timesteps"]


def test_winner_and_baselines_are_trained_at_the_winners_timesteps(chosen: Path) -> None:
    expected = read_json(chosen / "best.json")["timesteps"]
    results = [chosen / "result.json", *chosen.glob("baselines/*/result.json")]
    assert len(results) == 3
    assert {read_json(result)["timesteps"] for result in results} == {expected}


def test_finalists_are_trained_at_their_own_timesteps(
    chosen: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    run = shutil.copytree(chosen, tmp_path / "run")
    outcome = autosnn("search", "--output", run, "--retrain-top", 3, "--no-baselines")
    assert outcome.code == 0, outcome.err
    finalists = pd.read_csv(run / "finalists.csv")
    trained = {path.parent.name: read_json(path) for path in run.glob("finalists/*/result.json")}
    for *blocks, timesteps in finalists.loc[:, "tbd1":"timesteps"].itertuples(index=False):
        assert f"T{trained['-'.join([*blocks, timesteps])]['timesteps']}" == timesteps
    best, winner = read_json(run / "best.json"), finalists.iloc[0]
    assert best["blocks"] == [winner[f"tbd{number}"] for number in range(1, 6)]
    assert f"T{best['timesteps']}" == winner["timesteps"]
    assert read_json(run / "result.json")["timesteps"] == best["timesteps"]


@pytest.mark.slow
def test_a_search_gone_on_with_ends_alike(
    chosen: Path, tmp_path: Path, autosnn: Autosnn, settings: tuple[str, ...]
) -> None:
    for rounds in ("1", "2"):  # the supernet, then a search that begins anew on it
        outcome = autosnn("supernet", "--output", tmp_path / "run", *settings, "--rounds", rounds)
        assert outcome.code == 0, outcome.err
    assert autosnn("search", "--output", tmp_path / "run").code == 0
    for name in ("search.json", "best.json", "result.json"):
        assert read_json(tmp_path / "run" / name) == read_json(chosen / name), name


@pytest.mark.slow
def test_a_path_keeps_the_statistics_of_its_own_timesteps(
    make_run: Callable[..., Path], settings: tuple[str, ...], autosnn: Autosnn
) -> None:
    run = make_run("search", *settings, "--batch-norm", "kept", "--no-baselines", "--rounds", "1")
    candidates = pd.read_csv(run / "candidates.csv").groupby("timesteps").first()
    for timesteps, row in candidates.iterrows():
        blocks = ",".join([*(row[f"tbd{number}"] for number in range(1, 6)), str(timesteps)])
        told = autosnn("describe", "--run", run, "--blocks", blocks, "--json")
        assert json.loads(told.out)["spikes"] == row["spikes"]
        assert autosnn("evaluate", run, "--blocks", blocks).code == 0


def test_the_report_names_the_timesteps(chosen: Path) -> None:
    best = read_json(chosen / "best.json")
    page = (chosen / "report.html").read_text()
    assert f"{', '.join(best['blocks'])}, T{best['timesteps']}" in page
    assert f"The search has chosen T = {best['timesteps']} timesteps." in page
    assert "1, 2 timesteps" in page


def test_an_architecture_of_the_run_is_named_with_its_timesteps(
    chosen: Path, autosnn: Autosnn
) -> None:
    spikes = {}
    for name in ("T1", "T2"):
        outcome = autosnn("evaluate", chosen, "--blocks", f"{BLOCKS},{name}", "--json")
        assert outcome.code == 0, outcome.err
        told = json.loads(outcome.out)
        assert (f"T{told['timesteps']}", ",".join(told["blocks"])) == (name, BLOCKS)
        spikes[name] = told["spikes"]
    assert spikes["T1"] < spikes["T2"]
    missing = autosnn("describe", "--run", chosen, "--blocks", BLOCKS)
    assert missing.code == 2
    assert missing.err == (
        "autosnn: the timesteps are missing; add one of T1, T2 after the blocks\n"
    )


def test_the_winner_is_evaluated_as_it_was_trained(chosen: Path, autosnn: Autosnn) -> None:
    outcome = autosnn("evaluate", chosen, "--json")
    assert outcome.code == 0, outcome.err
    told, result = json.loads(outcome.out), read_json(chosen / "result.json")
    assert told.pop("milliseconds_per_image") > 0
    assert told == {key: result[key] for key in told}


def test_timesteps_named_with_blocks_are_those_of_the_network(autosnn: Autosnn) -> None:
    options = ("--dataset", "digits", "--channels", "2", "--json")
    named = autosnn("describe", "--blocks", f"{BLOCKS},T3", *options)
    given = autosnn("describe", "--blocks", BLOCKS, "--timesteps", 3, *options)
    assert named.code == given.code == 0
    assert json.loads(named.out) == json.loads(given.out)
    twice = autosnn("describe", "--blocks", f"{BLOCKS},T3", "--timesteps", 4, *options)
    assert (twice.code, twice.err) == (
        2,
        "autosnn: this architecture names T3; leave out --timesteps\n",
    )


def test_a_network_is_trained_at_the_timesteps_named_with_its_blocks(
    tmp_path: Path, autosnn: Autosnn
) -> None:
    small = ("--channels", 2, "--images", 60, "--retrain-epochs", 1, "--output", tmp_path / "one")
    outcome = autosnn("train", "--blocks", f"{BLOCKS},T3", *small)
    assert outcome.code == 0, outcome.err
    assert read_json(tmp_path / "one" / "result.json")["timesteps"] == 3
    assert load_run(tmp_path / "one").settings.timesteps == 3


def test_nnictls_search_space_has_the_timesteps(chosen: Path) -> None:
    config: NetworkConfig = load_run(chosen).settings.network
    space = {
        label: {"_type": "choice", "_value": list(names)} for label, names in config.choices.items()
    }
    assert check_run(chosen, space).path == chosen
    with pytest.raises(UserError, match=r"^searchSpace\.timesteps: .*'T8'"):
        check_run(chosen, {**space, "timesteps": {"_type": "choice", "_value": ["T8"]}})
    del space["timesteps"]
    with pytest.raises(UserError, match=r"^searchSpace: .*timesteps"):
        check_run(chosen, space)
