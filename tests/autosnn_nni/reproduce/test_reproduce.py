"""autosnn reproduce: rows beside the paper's numbers, again after any interruption."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from autosnn_nni.cli.reproduce import show_table
from autosnn_nni.files import read_json
from autosnn_nni.reproduce.recipe_files import recipe_names
from autosnn_nni.reproduce.recipes import load_recipe
from autosnn_nni.reproduce.run import Reproduction

Autosnn = Callable[..., Any]


def test_rows_stand_beside_the_papers_numbers(reproduced: tuple[Path, Any]) -> None:
    folder, _ = reproduced
    rows = pd.read_csv(folder / "own.csv").set_index("row")
    networks = pd.read_csv(folder / "own_networks.csv")
    assert rows["networks"].tolist() == [2, 2]
    assert rows.loc["one", "paper_accuracy"] == pytest.approx(0.8693)
    assert rows.loc["one", "paper_spikes"] == 154_000
    assert rows.loc["two", "paper_parameters"] == pytest.approx(160_000)
    assert pd.isna(rows.loc["two", "paper_spikes"])
    for name, group in networks.groupby("row"):
        for column in ("accuracy", "spikes", "firing_rate"):
            assert rows.loc[name, column] == pytest.approx(group[column].mean())
            assert rows.loc[name, f"{column}_std"] == pytest.approx(group[column].std())
    assert (rows["dataset"] == "digits").all()
    assert rows["channels"].tolist() == [2, 2]


def test_a_network_is_what_its_run_says(reproduced: tuple[Path, Any]) -> None:
    folder, _ = reproduced
    results = [read_json(path) for path in folder.glob("trained/*/result.json")]
    networks = pd.read_csv(folder / "own_networks.csv")
    assert len(results) == len(networks) == 4
    assert sorted(networks["spikes"]) == pytest.approx(sorted(one["spikes"] for one in results))


def test_the_figure_is_a_picture(reproduced: tuple[Path, Any]) -> None:
    with Image.open(reproduced[0] / "own.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 400


def test_a_person_reads_every_network_and_the_table(reproduced: tuple[Path, Any]) -> None:
    folder, outcome = reproduced
    assert outcome.out.splitlines()[:2] == [
        "Two spaces",
        "Scale smoke: digits; C = 2; T = 2",
    ]
    assert outcome.out.count("seed 0") == outcome.out.count("seed 1") == 2
    assert "paper" not in outcome.out
    assert "86.93" not in outcome.out
    assert outcome.out.splitlines()[-1] == f"{folder}/own.csv, {folder}/own.png"


def test_numbers_that_can_be_compared_stand_beside_the_papers(
    reproduced: tuple[Path, Any], recipe_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = reproduced
    recipe = load_recipe(str(recipe_file), "smoke")
    done = Reproduction(recipe, pd.read_csv(folder / "own.csv"), folder / "a", folder / "b")
    show_table(done, compared=True)
    out = capsys.readouterr().out
    assert out.count("paper") == 2
    assert "86.93" in out
    assert "154,000" in out


@pytest.mark.slow
def test_killed_and_started_again_it_ends_the_same(
    tmp_path: Path,
    recipe_file: Path,
    start: Callable[..., Any],
    autosnn: Autosnn,
    reproduced: tuple[Path, Any],
) -> None:
    command = ("reproduce", recipe_file, "--scale", "smoke", "--output", tmp_path)
    trained = tmp_path / "smoke/trained"
    table = tmp_path / "smoke/own.csv"
    killed = start(*command).stop_when(
        lambda: table.exists() and pd.read_csv(table)["networks"].sum() == 2, signal.SIGKILL
    )
    assert killed.code == -signal.SIGKILL
    assert pd.read_csv(table)["networks"].tolist() == [2, 0]
    before = {path: path.stat().st_mtime_ns for path in trained.glob("*/result.json")}
    assert autosnn(*command).code == 0
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    for name in ("own.csv", "own_networks.csv"):
        assert (tmp_path / "smoke" / name).read_bytes() == (reproduced[0] / name).read_bytes()


def test_done_once_it_only_writes_its_tables_again(
    reproduced: tuple[Path, Any], recipe_file: Path, autosnn: Autosnn
) -> None:
    folder, first = reproduced
    command = ("reproduce", recipe_file, "--scale", "smoke", "--output", folder.parent)
    again = autosnn(*command)
    assert (again.code, again.err) == (0, "")
    assert again.out == first.out


def test_all_recipes_are_read_before_the_first_is_run(
    tmp_path: Path, recipe_file: Path, autosnn: Autosnn
) -> None:
    output = ("--scale", "smoke", "--output", tmp_path)
    outcome = autosnn("reproduce", recipe_file, "table99", *output)
    assert outcome.code == 2
    assert outcome.err.startswith("autosnn: unknown recipe 'table99'; did you mean 'table")
    assert not list(tmp_path.iterdir())


def test_a_wrong_setting_is_refused_in_one_line(tmp_path: Path, autosnn: Autosnn) -> None:
    (tmp_path / "own.yml").write_text(
        "{title: T, figure: bubbles, seeds: [0], settings: {dataset: digits, channels: 2, "
        "timesteps: 1, colour: red}, rows: [{name: a, blocks: skip}]}"
    )
    outcome = autosnn("reproduce", tmp_path / "own.yml", "--scale", "full", "--output", tmp_path)
    assert outcome.code == 2
    assert outcome.err.startswith("autosnn: unknown setting 'colour'")


def test_list_names_the_recipes(autosnn: Autosnn) -> None:
    outcome = autosnn("list", "recipes")
    assert (outcome.code, outcome.out.splitlines()) == (0, recipe_names())
