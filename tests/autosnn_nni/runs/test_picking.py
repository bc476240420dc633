"""What `autosnn train --pick` picks, and constraints, from the command line to the files."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.report import write_report
from autosnn_nni.runs.contents import Origin, read_contents, write_origin
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.picking import pick
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.runs.search_state import load_history
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import (
    NO_CONSTRAINTS,
    Choices,
    Constraints,
    Evaluated,
    Finalists,
    History,
)
from autosnn_nni.tuner import fittest

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
#: Name, accuracy, spikes, fitness; d is dominated.
SCORES = (
    ("a", 0.50, 1_000, 0.5),
    ("b", 0.80, 2_000, 0.9),
    ("c", 0.85, 8_000, 0.6),
    ("d", 0.80, 3_000, 0.8),
    ("e", 0.90, 80_000, 0.7),
)
HISTORY = History(
    Evaluated((name,), fitness, 1, accuracy=accuracy, spikes=spikes)
    for name, accuracy, spikes, fitness in SCORES
)
#: What a training keeps of a run's settings for its search: nothing.
OF_SEARCH = {"rounds": None, "retrain_top": 3}
BLIND = History(
    [
        Evaluated(("a",), 1.0, 1, accuracy=math.nan, spikes=10.0),
        Evaluated(("b",), 2.0, 1, accuracy=math.nan, spikes=5.0),
    ]
)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("knee", "b"),
        ("fittest", "b"),
        ("spikes<80K", "c"),
        ("spikes<80001", "e"),
        ("spikes<0.1M", "e"),
        ("spikes < 3K", "b"),
        ("accuracy>0.8", "c"),
        ("accuracy>0.79", "b"),
        ("accuracy>0", "a"),
    ],
)
def test_a_rule_picks(rule: str, name: str) -> None:
    assert pick(rule, HISTORY, NO_CONSTRAINTS).blocks == (name,)


def test_finalists_are_the_fittest_and_the_knee() -> None:
    def names(count: int, history: History = HISTORY, **bounds: float) -> str:
        choices = Choices([tuple(one.blocks[0] for one in history)])
        finalists = Finalists(history, choices, count, Constraints(**bounds))
        trained: list[Architecture] = []
        for _ in range(len(finalists)):
            trained.append(finalists.next(trained).blocks)
        return "".join(name for (name,) in trained)

    assert names(1) == "b"
    assert names(2) == "bd"  # b is the knee
    assert names(2, min_accuracy=0.81) == "ec"
    assert names(1, max_spikes=1_500) == "a"
    assert names(2, max_spikes=10) == "ab"  # none satisfies it: the closest
    assert names(9)[:3] == "bde"  # the others are learnt from these
    assert sorted(names(9)) == sorted("bdeca")
    assert names(2, BLIND) == "ba"


def test_of_equals_the_better_in_the_other_is_picked() -> None:
    assert pick("spikes<5K", HISTORY, NO_CONSTRAINTS).blocks == ("b",)
    twins = History(
        Evaluated((n,), 0.0, 1, accuracy=a, spikes=100) for n, a in (("x", 0.5), ("y", 0.6))
    )
    assert pick("accuracy>0.1", twins, NO_CONSTRAINTS).blocks == ("y",)


def test_knee_and_fittest_keep_the_constraints_and_thresholds_are_the_user_s_own() -> None:
    accurate = Constraints(min_accuracy=0.82)
    assert pick("fittest", HISTORY, accurate).blocks == ("e",)
    assert pick("knee", HISTORY, accurate).blocks in {("c",), ("e",)}
    assert pick("spikes<2500", HISTORY, accurate).blocks == ("b",)


@pytest.mark.parametrize(
    ("rule", "fragments"),
    [
        ("spikes<1K", ("has spikes below 1,000", "the closest is a (50.00 %", "1,000 spikes")),
        ("accuracy>0.9", ("an accuracy above 90.0 %", "the closest is e (90.00 %")),
        ("accuracy>85", ("--pick accuracy> must be a fraction or a percentage, such as 0.85",)),
        ("spikes", ("--pick must be knee, fittest, 'spikes<80K'", "put the rule in quotes")),
        ("nee", ("--pick must be knee", "not 'nee'")),
        ("spikes<few", ("--pick spikes< must be a number", "not 'few'")),
    ],
)
def test_a_rule_that_picks_nothing_says_why(rule: str, fragments: Args) -> None:
    with pytest.raises(UserError) as caught:
        pick(rule, HISTORY, NO_CONSTRAINTS)
    assert all(fragment in str(caught.value) for fragment in fragments), caught.value


def test_without_accuracies_there_is_the_fittest_alone() -> None:
    assert pick("fittest", BLIND, NO_CONSTRAINTS).blocks == ("b",)
    for rule in ("knee", "spikes<7", "accuracy>0.1"):
        with pytest.raises(UserError, match="fittest"):
            pick(rule, BLIND, NO_CONSTRAINTS)


def refusal(outcome: Any) -> str:
    assert outcome.code == 2, outcome
    (line,) = [one for one in outcome.err.splitlines() if one.startswith("autosnn: ")]
    return str(line)


def test_a_picked_architecture_is_trained_with_the_settings_of_its_run(
    finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    trained = tmp_path / "knee"
    outcome = autosnn("train", "--pick", "knee", "--from", finished, "--output", trained)
    assert outcome.code == 0, outcome.err
    knee = pick("knee", load_history(load_run(finished)), NO_CONSTRAINTS)
    assert read_json(trained / "result.json")["blocks"] == list(knee.blocks)
    settings = read_json(finished / "settings.json")
    assert read_json(trained / "settings.json") == {**settings, **OF_SEARCH}
    assert f"{finished}, knee: {', '.join(knee.blocks)} (" in outcome.out
    assert read_contents(trained).origin == Origin(str(finished), "knee")
    page = (trained / "report.html").read_text()
    assert f"picked from the search in {finished} with <code>--pick knee</code>" in page
    write_report(shutil.copytree(finished, tmp_path / "run"))
    page = (tmp_path / "run/report.html").read_text()
    assert f'<td class="blocks">{", ".join(knee.blocks)} <span class="knee">' in page


def test_blocks_are_trained_with_the_settings_of_a_run_unless_told_otherwise(
    finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    trained = tmp_path / "other"
    blocks = "SCB_k3,skip,skip,skip,skip"
    command = ("train", "--from", finished, "--blocks", blocks, "--retrain-epochs", 1)
    assert autosnn(*command, "--output", trained).code == 0
    settings = read_json(finished / "settings.json")
    there = read_json(trained / "settings.json")
    assert there == {**settings, **OF_SEARCH, "retrain_epochs": 1}
    assert read_json(trained / "result.json")["blocks"] == blocks.split(",")
    assert read_contents(trained).origin == Origin(str(finished))
    assert f"blocks or settings are those of {finished}." in (trained / "report.html").read_text()


def test_an_origin_stays_with_the_network_that_has_it(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    files.write_settings(Settings().to_json())
    write_origin(files, Origin("/first", "knee"))
    files.retrained.touch()
    write_origin(files, None)  # the same blocks, by their names
    assert read_contents(tmp_path).origin == Origin("/first", "knee")
    files.retrained.unlink()
    write_origin(files, None)
    assert not files.origin.exists()


def test_a_training_that_has_not_begun_is_no_search(
    finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    shutil.copy(finished / "settings.json", tmp_path)
    write_origin(RunFiles(tmp_path), Origin("/first", "knee"))
    assert "belongs to `autosnn train`" in refusal(autosnn("search", "--output", tmp_path))


def test_the_run_is_the_default_search_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autosnn: Autosnn
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "runs/digits is not a run of autosnn" in refusal(autosnn("train", "--pick", "knee"))


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        (("--pick", "knee", "--blocks", "skip"), "name one architecture"),
        (("--from", "RUN"), "name one architecture"),
        (("--from", "RUN", "--network", "VGG9"), "--from goes with --pick or --blocks"),
        (("--from", "RUN", "--pick", "spikes<1"), "no evaluated architecture has spikes below 1"),
        (("--from", "RUN", "--pick", "knee", "--space", "SNN_2"), "leave out --space"),
    ],
)
def test_a_pick_that_cannot_be_leaves_nothing(
    options: Args, fragment: str, finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    named = [str(finished) if one == "RUN" else one for one in options]
    assert fragment in refusal(autosnn("train", *named, "--output", tmp_path / "run"))
    assert not (tmp_path / "run/settings.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["nsga2", "random"])
def test_the_best_keeps_the_constraints(
    strategy: str, finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    """First no architecture does; then the constraints are loosened."""
    run = shutil.copytree(finished, tmp_path / "run")
    search = ("search", "--output", run, "--strategy", strategy)
    line = refusal(autosnn(*search, "--max-spikes", "1"))
    assert "none of 40 evaluated architectures satisfies --max-spikes 1; the closest is " in line
    assert "report.html, then change the constraints" in line
    assert f"(earlier results: {run}/previous)" in line
    assert refusal(autosnn(*search)) == line  # it is not searched again
    assert not (run / "result.json").exists()
    candidates = pd.read_csv(run / "candidates.csv")
    assert read_json(run / "closest.json")["spikes"] == candidates["spikes"].min()
    assert not (run / "best.json").exists()
    said = "No architecture satisfies --max-spikes 1. The closest: "
    html = (run / "report.html").read_text()
    assert f'<p class="warning">{said}' in html
    assert "★" not in html
    told = autosnn("status", run).out
    assert f"{run}: no architecture satisfies --max-spikes 1\n" in told
    assert said in told
    before = (run / "search.json").stat().st_mtime_ns

    bound = float(candidates["spikes"].quantile(0.2))
    assert autosnn(*search, "--max-spikes", bound).code == 0
    assert read_json(run / "settings.json")["max_spikes"] == bound
    candidates = pd.read_csv(run / "candidates.csv")
    kept = candidates[candidates["spikes"] <= bound]
    best = read_json(run / "best.json")
    assert best["fitness"] == kept["fitness"].max()
    assert read_json(run / "result.json")["blocks"] == best["blocks"]
    assert list(fittest(load_run(run), 1).architectures) == [tuple(best["blocks"])]
    # Random search has not heeded them, and is not repeated.
    if strategy == "random":
        assert (run / "search.json").stat().st_mtime_ns == before
    assert (run / "previous/2/closest.json").exists()
    assert not (run / "closest.json").exists()
    assert (run / "previous/2/search.json").exists() == (strategy == "nsga2")


def test_a_finished_search_stays_if_no_architecture_satisfies_other_constraints(
    finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    search = ("search", "--output", run, "--strategy", "random")  # which heeds none
    assert autosnn(*search).code == 0
    before = {path: path.read_bytes() for path in run.rglob("*.json")}
    line = refusal(autosnn(*search, "--max-spikes", "1"))
    assert "none of 40 evaluated architectures satisfies --max-spikes 1; the closest is " in line
    assert f"{run} is left as it is: change the constraints" in line
    assert {path: path.read_bytes() for path in run.rglob("*.json")} == before


def test_a_search_without_accuracies_has_no_least_one(tmp_path: Path, autosnn: Autosnn) -> None:
    command = ("search", "--strategy", "snasnet", "--min-accuracy", 0.5, "--output", tmp_path / "a")
    assert "--min-accuracy: snasnet does not measure accuracies" in refusal(autosnn(*command))
