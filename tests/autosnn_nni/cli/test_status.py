"""``autosnn status`` and ``autosnn runs``: how far runs are, while they work and after."""

import csv
import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.runs.directory import locked

Autosnn = Callable[..., Any]
VERSIONS = Path(__file__).parents[2] / "runs_of_earlier_versions"
EARLIER = sorted(file.parent for file in VERSIONS.rglob("settings.json"))


def shown(autosnn: Autosnn, *arguments: object) -> Any:
    """What a command prints as JSON."""
    outcome = autosnn(*arguments, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def keep_rows(table: Path, count: int) -> None:
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[: count + 1]))


def without(run: Path, *names: str) -> None:
    for name in names:
        (run / name).unlink()


def steps(status: dict[str, Any]) -> dict[str, tuple[int, int | None]]:
    return {one["title"]: (one["done"], one["total"]) for one in status["steps"]}


def test_a_finished_run(run: Path, autosnn: Autosnn) -> None:
    status = shown(autosnn, "status", run)
    assert (status["state"], status["works"], status["left"]) == ("done", False, "")
    assert steps(status) == {
        "Supernet": (2, 2),
        "Search": (40, 40),
        "Training the winner": (2, 2),
    }
    result = json.loads((run / "result.json").read_text())
    best = json.loads((run / "best.json").read_text())
    assert status["result"] == {name: result[name] for name in ("accuracy", "spikes")}
    assert status["best"]["blocks"] == best["blocks"]
    with (run / "front.csv").open() as file:
        assert status["front"] == len(list(csv.DictReader(file)))


def test_a_run_in_its_supernet(run: Path, autosnn: Autosnn) -> None:
    without(run, "best.json", "search.json", "candidates.csv", "result.json", "retrained.csv")
    keep_rows(run / "supernet.csv", 1)
    status = shown(autosnn, "status", run)
    assert (status["state"], status["doing"]) == ("stopped", "training the supernet")
    assert steps(status)["Supernet"] == (1, 2)
    assert steps(status)["Search"] == (0, 40)
    assert status["best"] is None
    assert status["left"].startswith("at least ")
    said = autosnn("status", run).out
    assert "stopped before it was done (training the supernet); run its command again" in said


def test_a_search_at_work_shows_the_best_so_far(run: Path, autosnn: Autosnn) -> None:
    without(run, "best.json", "result.json", "retrained.csv")
    keep_rows(run / "candidates.csv", 20)
    with (run / "candidates.csv").open() as file:
        fittest = max(csv.DictReader(file), key=lambda row: float(row["fitness"]))
    with locked(run):
        status = shown(autosnn, "status", run)
        said = autosnn("status", run).out
    assert (status["state"], status["works"], status["generation"]) == ("searching", True, 1)
    assert status["best"]["fitness"] == float(fittest["fitness"])
    assert f"Best so far on D_val: {', '.join(status['best']['blocks'])}" in said
    assert "20/40 architectures" in said


def test_the_time_of_the_second_seed_is_told_from_the_first(run: Path, autosnn: Autosnn) -> None:
    settings = json.loads((run / "settings.json").read_text())
    (run / "settings.json").write_text(json.dumps({**settings, "seeds": 2}))
    status = shown(autosnn, "status", run)
    assert (status["state"], status["doing"]) == ("stopped", "training the winner, seed 1")
    assert status["left"].startswith("about ")


@pytest.mark.slow
def test_finalists_are_steps_and_one_of_them_is_the_winner(
    reference: tuple[Path, Any], tmp_path: Path, autosnn: Autosnn
) -> None:
    run = shutil.copytree(reference[0], tmp_path / "run")
    trainings = [f"Training {block}" for block in ("SCB_k3", "SRB_k3")]
    count = len(list(run.glob("finalists/*")))
    numbered = [f"Training finalist {number}" for number in range(1, count + 1)]
    status = shown(autosnn, "status", run)
    assert [*steps(status)] == ["Supernet", "Search", *numbered, *trainings]
    assert status["state"] == "done"

    without(run, "finalists.csv", "result.json", "retrained.csv")
    status = shown(autosnn, "status", run)
    assert status["doing"] == f"training finalist {count + 1}"  # or comparing them

    one, *others = run.glob("finalists/*")
    keep_rows(one / "retrained.csv", 3)
    for other in others[1:]:
        shutil.rmtree(other)
    status = shown(autosnn, "status", run)
    assert (status["state"], status["doing"]) == ("stopped", "training finalist 2")
    found = steps(status)
    assert [found[title] for title in numbered[:3]] == [(8, 8), (3, 8), (0, 8)]
    assert status["left"].startswith("about ")


def test_a_network_trained_alone(
    make_run: Autosnn, tiny: tuple[str, ...], autosnn: Autosnn
) -> None:
    run = make_run("train", "--network", "AutoSNN-0.08", *tiny)
    assert steps(shown(autosnn, "status", run)) == {"Training": (2, 2)}


@pytest.mark.parametrize("path", EARLIER, ids=[path.name for path in EARLIER])
def test_runs_of_earlier_versions(path: Path, autosnn: Autosnn) -> None:
    status = shown(autosnn, "status", path)
    assert status["state"] in ("done", "stopped")
    assert autosnn("status", path).code == 0


@pytest.mark.slow
def test_watching_ends_with_the_work(run: Path, start: Autosnn) -> None:
    with locked(run):
        watch = start("status", run, "--watch")
        time.sleep(4)
        assert watch.popen.poll() is None
    outcome = watch.wait()
    assert (outcome.code, outcome.err) == (0, "")
    assert "Training the winner" in outcome.out


@pytest.mark.slow
def test_ctrl_c_ends_watching(run: Path, start: Autosnn) -> None:
    with locked(run):
        watch = start("status", run, "--watch")
        time.sleep(4)
        watch.popen.send_signal(signal.SIGINT)
        assert watch.wait().code == 130


def test_runs_are_listed_with_the_last_one_first(
    run: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/settings.json").write_text("{")
    (tmp_path / "notes").mkdir()
    listed = shown(autosnn, "runs", tmp_path)
    assert [one["path"] for one in listed] == [str(tmp_path / "broken"), str(run)]
    assert "broken/settings.json" in listed[0]["error"]
    lines = autosnn("runs", tmp_path).out.splitlines()
    row = next(line for line in lines if " run " in line and "digits" in line)
    assert "done" in row
    assert f"{100 * listed[1]['result']['accuracy']:.2f} %" in row


def test_a_folder_without_settings_is_no_run(run: Path, autosnn: Autosnn) -> None:
    (run / "settings.json").unlink()
    outcome = autosnn("status", run)
    assert outcome.code == 2
    assert "it has no settings.json" in outcome.err


def test_a_search_of_settings_that_name_no_candidates(run: Path, autosnn: Autosnn) -> None:
    settings = json.loads((run / "settings.json").read_text())
    without(run, "best.json", "result.json")
    del settings["candidates"]
    (run / "settings.json").write_text(json.dumps(settings))
    assert steps(shown(autosnn, "status", run))["Search"][0] == 40


def test_what_is_not_measured_is_null(run: Path, autosnn: Autosnn) -> None:
    """As of a search that trains nothing; NaN is no JSON."""
    best = json.loads((run / "best.json").read_text())
    (run / "best.json").write_text(json.dumps({**best, "accuracy": None}))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(autosnn("runs", run, "--json").out, parse_constant=refuse)
    assert found[0]["best"]["accuracy"] is None


def test_a_folder_without_runs(tmp_path: Path, autosnn: Autosnn) -> None:
    outcome = autosnn("runs", tmp_path)
    assert (outcome.code, outcome.out) == (0, f"no runs in {tmp_path}\n")
    missing = autosnn("runs", tmp_path / "none")
    assert missing.code == 2
    assert "is not a folder" in missing.err
