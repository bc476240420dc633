"""What is said of a search whose results mean little."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.files import read_json
from autosnn_nni.report import write_report
from autosnn_nni.runs.contents import read_contents
from autosnn_nni.runs.search_warnings import chance_warning, warnings_of
from tests.autosnn_nni.written_run import write_json, write_run

Autosnn = Callable[..., Any]
LINE = (
    "The supernet is at chance (mean accuracy on D_val 11.4 %, chance 10 %): its ranking says "
    "nothing. Train it longer: --supernet-epochs."
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose supernet is at chance."""
    path = write_run(tmp_path / "run")
    candidates = pd.read_csv(path / "candidates.csv")
    candidates["accuracy"] = 0.114
    candidates.to_csv(path / "candidates.csv", index=False)
    write_json(path / "search.json", {"classes": 10, "evaluated": []})
    return path


@pytest.mark.parametrize(
    ("accuracy", "classes", "warned"),
    [
        (0.14, 10, True),
        (0.16, 10, False),
        (0.54, 2, True),
        (0.56, 2, False),
        (0.014, 100, True),
        (0.016, 100, False),
    ],
)
def test_chance_is_up_to_half_more_and_to_five_points(
    accuracy: float, classes: int, warned: bool
) -> None:
    assert bool(chance_warning([accuracy - 0.001, accuracy + 0.001], classes)) == warned


def test_nothing_is_said_of_what_is_not_known(run: Path) -> None:
    assert chance_warning([], 10) == chance_warning([math.nan], 10) == ""
    (run / "search.json").unlink()  # versions before did not write how many classes there are
    assert warnings_of(read_contents(run)) == []


def test_status_and_report_say_it(run: Path, autosnn: Autosnn) -> None:
    assert LINE in autosnn("status", run).out.splitlines()
    write_report(run)
    page = (run / "report.html").read_text()
    assert page.index(f'<p class="warning">{LINE}</p>') < page.index("<main>")


def test_a_search_says_it_before_it_trains_the_winner(
    finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    own = shutil.copytree(finished, tmp_path / "own")
    (own / "result.json").unlink()
    outcome = autosnn("search", "--output", own)
    (line,) = (one for one in outcome.err.splitlines() if "at chance" in one)
    assert line.removeprefix("autosnn: ") in autosnn("status", own).out.splitlines()
    assert read_json(own / "search.json")["classes"] == 10


def test_finalists_that_break_the_constraints_after_training_are_told(
    finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    own = shutil.copytree(finished, tmp_path / "own")
    spikes = pd.read_csv(own / "candidates.csv")["spikes"].min()
    limits = ("--max-spikes", str(spikes), "--retrain-top", "2", "--no-baselines")
    outcome = autosnn("search", "--output", own, *limits)
    assert outcome.code == 0, outcome.err
    finalists = pd.read_csv(own / "finalists.csv")
    excess = (finalists["val_spikes"] / spikes - 1).clip(lower=0)
    assert finalists["violation"].tolist() == pytest.approx(excess.tolist())
    assert finalists["violation"].is_monotonic_increasing
    line = (
        f"After training no finalist satisfies --max-spikes {spikes:,.10g} on D_val; the winner "
        "comes closest. Set stricter limits, or train more of them: --retrain-top 10."
    )
    assert (line in autosnn("status", own).out) == (finalists["violation"][0] > 0)
    for path in own.glob("finalists/*/result.json"):
        result = read_json(path)
        write_json(path, {**result, "val": {**result["val"], "spikes": 2 * spikes}})
    assert line in autosnn("search", "--output", own).out.replace("\n", " ")
    assert line in autosnn("status", own).out.splitlines()
    assert f'<p class="warning">{line}</p>' in (own / "report.html").read_text()
    pd.read_csv(own / "finalists.csv").drop(columns="violation").to_csv(own / "finalists.csv")
    assert "After training" not in autosnn("status", own).out  # of versions before
