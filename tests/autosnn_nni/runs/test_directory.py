"""The run's folder: gone on with, refused, or done anew with what was there kept."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json, write_json
from autosnn_nni.runs.directory import RunDirectory, load_run, locked, open_run, plan_run
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import MACROS

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
SKIPS = ",".join(["skip"] * 5)


def snapshot(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def refusal(outcome: Any) -> str:
    """The one line of an error that is the user's."""
    assert outcome.code == 2, outcome
    (line,) = outcome.err.splitlines()
    assert line.startswith("autosnn: ")
    return str(line)


@pytest.fixture
def under_way(run: Path) -> Path:
    """A run that was stopped in its search."""
    (run / "best.json").unlink()
    for name in ("retrained.ckpt", "retrained.csv", "result.json", "report.html"):
        (run / name).unlink()
    return run


def test_a_new_search_keeps_the_supernet_and_the_old_search(run: Path, autosnn: Autosnn) -> None:
    before, stat = snapshot(run), (run / "supernet.ckpt").stat()
    outcome = autosnn("search", "--output", run, "--lambda", "-0.9")
    assert outcome.code == 0
    assert "Training the winner" in outcome.err
    after = snapshot(run)
    for name in ("supernet.ckpt", "supernet.csv"):
        assert after[name] == before[name]
    assert (run / "supernet.ckpt").stat().st_mtime_ns == stat.st_mtime_ns
    for name in ("search.json", "candidates.csv", "best.json", "result.json", "retrained.ckpt"):
        assert after[f"previous/1/{name}"] == before[name]
    assert after["previous/1/settings.json"] == before["settings.json"]
    assert after["best.json"] != before["best.json"]
    settings = read_json(run / "settings.json")
    assert settings == {**read_json(run / "previous/1/settings.json"), "lambda": -0.9}


def test_new_retraining_keeps_the_search_too(run: Path, autosnn: Autosnn) -> None:
    before = snapshot(run)
    assert autosnn("search", "--output", run, "--retrain-epochs", 1).code == 0
    after = snapshot(run)
    for name in ("supernet.ckpt", "search.json", "candidates.csv", "best.json"):
        assert after[name] == before[name]
    assert after["previous/1/result.json"] == before["result.json"]
    assert "previous/1/best.json" not in after
    assert read_json(run / "result.json")["epochs"] == 1


def test_more_seeds_repeat_nothing_and_are_kept_with_an_earlier_training(
    run: Path, autosnn: Autosnn
) -> None:
    before = snapshot(run)
    assert open_run(run, {"seeds": 2}).settings.seeds == 2
    after = snapshot(run)
    settings = {"settings.json": after["settings.json"]}
    assert after == {**before, **settings}
    assert read_json(run / "settings.json")["seeds"] == 2
    (run / "seeds/1").mkdir(parents=True)
    (run / "seeds/1/result.json").write_text("{}")
    open_run(run, {"retrain_epochs": 1})
    assert (run / "previous/1/seeds/1/result.json").exists()
    assert not (run / "seeds").exists()


def test_a_seed_under_way_keeps_the_settings_of_its_training(run: Path, autosnn: Autosnn) -> None:
    (run / "seeds/1").mkdir(parents=True)
    (run / "seeds/1/retrained.ckpt").write_bytes((run / "retrained.ckpt").read_bytes())
    before = snapshot(run)
    line = refusal(autosnn("search", "--output", run, "--retrain-epochs", 4))
    assert "--retrain-epochs is 2 there, 4 here" in line
    assert snapshot(run) == before
    open_run(run, {"seeds": 3})


def test_every_search_before_is_kept(run: Path) -> None:
    for lambda_ in (-0.2, -0.3):
        open_run(run, {"lambda_": lambda_})
        for name in ("search.json", "best.json"):  # as if it had been searched
            (run / name).write_text("{}")
    kept = [read_json(run / f"previous/{number}/settings.json")["lambda"] for number in (1, 2)]
    assert kept == [-0.08, -0.2]


@pytest.mark.parametrize(
    ("option", "there", "here"),
    [
        ("--channels", "2", "4"),
        ("--timesteps", "2", "3"),
        ("--space", "'SNN_1'", "SNN_2"),
        ("--seed", "0", "7"),
        ("--supernet-epochs", "2", "3"),
        ("--candidates", "'SCB_k5'", "skip,SCB_k3"),
        ("--surrogate", "'atan'", "triangle"),
    ],
)
def test_another_supernet_needs_another_folder(
    option: str, there: str, here: str, run: Path, autosnn: Autosnn
) -> None:
    before = snapshot(run)
    line = refusal(autosnn("search", "--output", run, option, here))
    assert f"{run} has other settings: {option} is " in line
    assert there in line.partition(" there, ")[0]
    assert here.split(",")[0] in line.partition(" there, ")[2]
    assert "another --output" in line
    assert snapshot(run) == before


def test_all_differences_are_named(run: Path, autosnn: Autosnn) -> None:
    line = refusal(autosnn("search", "--output", run, "--channels", 4, "--lambda", -1))
    assert "--channels is 2 there, 4 here" in line
    assert "--lambda is -0.08 there, -1.0 here" in line


@pytest.mark.parametrize(
    "option", [("--lambda", "-0.3"), ("--rounds", "3"), ("--strategy", "random")]
)
def test_a_search_under_way_keeps_its_settings(
    option: Args, under_way: Path, autosnn: Autosnn
) -> None:
    before = snapshot(under_way)
    assert f"{option[0]} is " in refusal(autosnn("search", "--output", under_way, *option))
    assert snapshot(under_way) == before


def test_a_training_under_way_keeps_its_settings(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    assert autosnn("train", "--output", run, "--blocks", SKIPS, *tiny).code == 0
    (run / "result.json").unlink()
    before = snapshot(run)
    for option in ("--channels", "--retrain-epochs"):
        line = refusal(autosnn("train", "--output", run, "--blocks", SKIPS, option, 4))
        assert f"{option} is 2 there, 4 here" in line
        assert snapshot(run) == before
    assert autosnn("train", "--output", run, "--blocks", SKIPS).code == 0


def test_a_folder_holds_one_architecture(tmp_path: Path, autosnn: Autosnn, tiny: Args) -> None:
    run = tmp_path / "run"
    assert autosnn("train", "--output", run, "--blocks", SKIPS, *tiny).code == 0
    before = snapshot(run)
    other = SKIPS.replace("skip", "SCB_k3", 1)
    line = refusal(autosnn("train", "--output", run, "--blocks", other))
    assert "holds another architecture (skip, skip, skip, skip, skip)" in line
    assert snapshot(run) == before


@pytest.mark.parametrize("command", ["search", "supernet"])
def test_a_trained_network_is_not_taken_for_a_searchs_winner(
    command: str, tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    assert autosnn("train", "--output", run, "--blocks", SKIPS, *tiny).code == 0
    before = snapshot(run)
    assert "belongs to `autosnn train`" in refusal(autosnn(command, "--output", run))
    assert snapshot(run) == before


def test_nor_is_a_search_without_a_supernet_trained_into(tmp_path: Path, autosnn: Autosnn) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "search.json").write_text("{}")
    command = ("train", "--output", run, "--blocks", SKIPS, "--retrain-epochs", 1)
    assert "belongs to a search" in refusal(autosnn(*command))


def test_a_searchs_winner_is_not_overwritten_by_train(run: Path, autosnn: Autosnn) -> None:
    before = snapshot(run)
    command = ("train", "--output", run, "--blocks", SKIPS, "--retrain-epochs", 1)
    assert "belongs to a search" in refusal(autosnn(*command))
    assert snapshot(run) == before


@pytest.mark.parametrize("command", [("search",), ("supernet",), ("train", "--blocks", SKIPS)])
def test_a_second_process_is_refused(command: Args, run: Path, autosnn: Autosnn) -> None:
    before = snapshot(run)
    with FileLock(run / ".lock"):
        line = refusal(autosnn(*command, "--output", run))
    assert f"another autosnn process is using {run}" in line
    assert snapshot(run) == before


def test_a_run_at_work_may_be_looked_at(run: Path, autosnn: Autosnn) -> None:
    with FileLock(run / ".lock"):
        assert autosnn("evaluate", run).code == 0
        assert autosnn("report", run).code == 0


def test_the_lock_ends_with_its_block(tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        second = locked(tmp_path / "run")
        with pytest.raises(UserError, match="another autosnn process is using"):
            second.__enter__()
    with locked(tmp_path / "run"):
        pass


def test_a_folder_of_something_else_is_left_alone(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    (tmp_path / "thesis.tex").write_text("a year's work")
    before = snapshot(tmp_path)
    line = refusal(autosnn("search", "--output", tmp_path, *tiny))
    assert f"{tmp_path} is not empty and not a run of autosnn" in line
    assert "another --output" in line
    assert snapshot(tmp_path) == before


def test_an_empty_folder_may_be_used(tmp_path: Path, autosnn: Autosnn, tiny: Args) -> None:
    (tmp_path / "run").mkdir()
    assert autosnn("supernet", "--output", tmp_path / "run", *tiny).code == 0


def test_what_a_killed_process_has_left_is_cleared_up(run: Path, autosnn: Autosnn) -> None:
    """Killed while it wrote its first file, or a later one; other hidden files are the user's."""
    for name in (".supernet.ckpt.k2l9x0_a.autosnn-tmp", "figures/.layers.png.ab.autosnn-tmp"):
        (run / name).write_bytes(b"half")
    (run / ".notes.tmp").write_text("mine")
    assert autosnn("search", "--output", run).code == 0
    hidden = {path.name for path in run.rglob(".*")}
    assert hidden == {".lock", ".notes.tmp"}


def test_a_run_killed_while_its_settings_were_written_goes_on(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / ".lock").touch()
    (run / ".settings.json.k2l9x0_a.autosnn-tmp").write_text('{"chan')
    assert autosnn("supernet", "--output", run, *tiny).code == 0
    assert {path.name for path in run.rglob(".*")} == {".lock"}


@pytest.mark.slow
@pytest.mark.parametrize("moved", [1, 3])
def test_killed_while_the_old_search_was_moved_away(
    moved: int, run: Path, autosnn: Autosnn
) -> None:
    shelf = run / "previous/1"
    shelf.mkdir(parents=True)
    shutil.copy(run / "settings.json", shelf)
    for name in ("search.json", "candidates.csv", "best.json")[:moved]:
        (run / name).rename(shelf / name)
    assert autosnn("search", "--output", run, "--lambda", "-0.9").code == 0
    settings = read_json(run / "settings.json")
    assert settings["lambda"] == -0.9
    assert (run / "best.json").exists()
    assert (run / "result.json").exists()


def test_without_output_the_run_is_named_after_its_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autosnn: Autosnn, tiny: Args
) -> None:
    monkeypatch.chdir(tmp_path)
    assert autosnn("supernet", *tiny).code == 0
    assert (tmp_path / "runs/digits/supernet.ckpt").exists()


def test_open_run_gives_a_new_run_its_settings(tmp_path: Path) -> None:
    opened = open_run(tmp_path / "run", {"channels": 4})
    assert opened == RunDirectory(tmp_path / "run", Settings(channels=4))
    assert load_run(tmp_path / "run") == opened
    assert open_run(tmp_path / "run", {}) == opened


def test_open_run_leaves_nothing_where_settings_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="channels must be even"):
        open_run(tmp_path / "run", {"channels": 3})
    assert not (tmp_path / "run").exists()


def test_a_run_without_results_takes_other_settings(tmp_path: Path) -> None:
    open_run(tmp_path / "run", {"channels": 4})
    assert open_run(tmp_path / "run", {"channels": 6}).settings.channels == 6
    assert load_run(tmp_path / "run").settings.channels == 6
    assert not (tmp_path / "run/previous").exists()


#: Defaults of the data set and of the space, as a later version may have them.
FILLED_IN = {
    "timesteps": 5,
    "batch_size": 50,
    "supernet_epochs": 70,
    "retrain_epochs": 80,
    "candidates": ("skip", "SCB_k7"),
}


@pytest.fixture
def later_defaults(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Changes the defaults that are filled in."""

    def change() -> None:
        given = {name: FILLED_IN[name] for name in FILLED_IN.keys() - {"candidates"}}
        info = replace(DATASETS["digits"].info, **given)
        monkeypatch.setattr(Settings, "_data_info", info)
        macro = replace(MACROS["SNN_1"], candidates=FILLED_IN["candidates"])
        monkeypatch.setitem(MACROS._items, "SNN_1", macro)

    return change


def test_what_is_not_given_is_the_folders(
    tmp_path: Path, later_defaults: Callable[[], None]
) -> None:
    """Also what the data set and the space have filled in."""
    path = tmp_path / "run"
    old = open_run(path, {"channels": 4}).settings
    (path / "supernet.ckpt").touch()  # so that a difference is refused
    later_defaults()
    for name, value in FILLED_IN.items():
        assert getattr(Settings(), name) == value
    for use in (open_run, plan_run):
        assert use(path, {}).settings == old
        assert use(path, {"channels": 4, "batch_size": old.batch_size}).settings == old
    assert load_run(path).settings == old


@pytest.mark.parametrize("name", sorted(FILLED_IN.keys() - {"retrain_epochs"}))
def test_only_what_is_given_and_differs_is_refused(
    name: str, tmp_path: Path, later_defaults: Callable[[], None]
) -> None:
    path = tmp_path / "run"
    open_run(path, {})
    (path / "supernet.ckpt").touch()
    later_defaults()
    with pytest.raises(UserError) as caught:
        open_run(path, {name: FILLED_IN[name]})
    assert f"--{name.replace('_', '-')} is " in str(caught.value)
    assert str(caught.value).count(" there, ") == 1


def test_a_command_without_options_resumes_under_other_defaults(
    run: Path, autosnn: Autosnn, later_defaults: Callable[[], None]
) -> None:
    before = snapshot(run)
    later_defaults()
    outcome = autosnn("search", "--output", run, "--channels", 2)
    assert outcome.code == 0, outcome.err
    after = snapshot(run)
    for name in ("settings.json", "supernet.ckpt", "search.json", "best.json", "result.json"):
        assert after[name] == before[name]
    assert not (run / "previous").exists()


def test_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is not a run of autosnn: it has no settings\.json"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([], "these are not a run's settings"),
        ({"colour": "red"}, "unknown settings: colour"),
        ({}, "these are not a run's settings"),
        ({"channels": 2, "colour": "red", "format": 0}, "unknown settings: colour"),
    ],
)
def test_settings_that_are_none_are_refused_by_the_files_name(
    content: object, fault: str, tmp_path: Path
) -> None:
    write_json(tmp_path / "settings.json", content)
    for use in (load_run, lambda path: open_run(path, {})):
        with pytest.raises(UserError, match=rf"settings\.json: {fault}.*start a new run"):
            use(tmp_path)
