"""``autosnn table``: make, merge, pack and judge."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.cli import judged as command
from autosnn_nni.files import read_json
from autosnn_nni.runs.surroundings import surroundings
from autosnn_nni.table import Plan, Table, plan
from autosnn_nni.table.folder import Folder
from autosnn_nni.table.rows import append
from tests.autosnn_nni.table.made import PLAN, VALUES, made_up, packed_in

Autosnn = Callable[..., Any]

#: Two architectures, one seed.
TWO = Plan(
    values={**VALUES, "candidates": ["skip"]}, epochs=(0, 2), seeds=1, sample=0, more_seeds=0
)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return packed_in(tmp_path)


@pytest.mark.slow
def test_a_table_is_made_merged_and_packed(
    autosnn: Autosnn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plan.PLANS, "two", TWO)  # type: ignore[arg-type]
    parts = [tmp_path / name for name in ("a", "b")]
    for number, part in enumerate(parts, start=1):
        outcome = autosnn("table", "make", "two", "--output", part, "--shard", f"{number}/2")
        assert outcome.code == 0, outcome.err
    merged, file = tmp_path / "merged", tmp_path / "two.json"
    assert autosnn("table", "merge", *parts, "--output", merged).code == 0
    assert autosnn("table", "pack", merged, "--output", file).code == 0
    assert Table(file).query(("skip",) * 5).test is not None
    assert read_json(file)["machines"] == [surroundings()]


def test_a_judgement_is_a_table_a_csv_and_a_picture(
    autosnn: Autosnn, packed: Path, tmp_path: Path
) -> None:
    output = tmp_path / "judge"
    outcome = autosnn("table", "judge", packed, "--seeds", 2, "--rivals", "--output", output)
    assert (outcome.code, outcome.err) == (0, "")
    judged = pd.read_csv(output / "judge.csv")
    for name in ("evolution", "nsga2", "NNI TPE", "Optuna NSGA-II"):
        assert name in outcome.out
        assert set(judged[judged["search"] == name]["seed"]) == {0, 1}
    assert (output / "judge.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_of_make_is_to_be_packed_first(autosnn: Autosnn, tmp_path: Path) -> None:
    Folder(tmp_path).open("two", TWO)
    outcome = autosnn("table", "judge", tmp_path)
    assert outcome.code == 2
    assert f"autosnn table pack {tmp_path} --output {tmp_path}.json" in outcome.err


def test_a_search_of_a_plugin_is_judged(
    autosnn: Autosnn, packed: Path, tmp_path: Path, registries: None
) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from autosnn_nni.strategies import SEARCHES, RandomSearch\n"
        "SEARCHES.add('mine', RandomSearch)\n"
    )
    outcome = autosnn(
        *("table", "judge", packed, "--seeds", 2, "--plugin", plugin, "--output", tmp_path / "out")
    )
    assert outcome.code == 0
    judged = pd.read_csv(tmp_path / "out" / "judge.csv")
    found = {name: rows["regret"].tolist() for name, rows in judged.groupby("search")}
    assert found["mine"] == found["random"]


def test_without_optuna_one_line_says_what_to_install(
    autosnn: Autosnn, packed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    outcome = autosnn("table", "judge", packed, "--rivals", "--output", tmp_path / "out")
    assert outcome.code == 2
    assert "pip install 'autosnn-nni[table]'" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("make", "SNN_1/fashion"), "did you mean 'SNN_1/fashion14'?"),
        (("make", "SNN_1/fashion14", "--shard", "5/4"), "--shard must be one of"),
        (("make", "SNN_1/fashion14", "--shard", "half"), "--shard must be one of"),
        (("make", "SNN_1/fashion14", "--processes", "0"), "--processes must be at least 1"),
        (("merge", "nowhere", "--output", "there"), "nowhere/table.json does not exist"),
        (("pack", "nowhere", "--output", "there.json"), "nowhere/table.json does not exist"),
        (("judge", "nothing"), "unknown table 'nothing'"),
        (("judge", "nothing.json"), "nothing.json does not exist"),
        (("judge", "."), "is no SpikeNAS-Bench"),
        (("judge", "SNN_1/fashion14", "--seeds", "1"), "--seeds must be at least 2"),
        (("judge", "SNN_1/fashion14", "--lambda", "1"), "lambda must be from"),
    ],
)
def test_bad_input_is_one_line(
    autosnn: Autosnn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    wrong: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = autosnn("table", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert wrong in outcome.err
    assert outcome.err.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_rows_of_another_version_are_refused(tmp_path: Path, autosnn: Autosnn) -> None:
    folder = Folder(tmp_path / "table")
    folder.path.mkdir()
    folder.open("small", PLAN)
    append(folder.rows, made_up().to_dict("records"))
    text = folder.about.read_text().replace('"format": 1', '"format": 99')
    folder.about.write_text(text)
    outcome = autosnn("table", "pack", folder.path, "--output", tmp_path / "packed.json")
    assert outcome.code == 2
    assert "has format 99" in outcome.err
