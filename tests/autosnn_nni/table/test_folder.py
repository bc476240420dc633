"""Folders in which tables are made, with made-up measurements."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.table import Table
from autosnn_nni.table.folder import Folder, merge, pack_folder
from autosnn_nni.table.rows import read
from tests.autosnn_nni.table.made import PLAN, made_up

ROWS = made_up().to_dict("records")
MACHINE = {"processor": "one"}


def made(path: Path, rows: list[Any]) -> Folder:
    path.mkdir()
    folder = Folder(path)
    folder.open("small", PLAN)
    folder.add(rows, MACHINE)
    return folder


def test_a_folder_is_opened_again_whatever_else_its_settings_say(tmp_path: Path) -> None:
    folder = made(tmp_path / "table", ROWS[:3])
    content = json.loads(folder.about.read_text())
    content["values"].update(retrain_top=5, strategy="random")  # no network depends on them
    del content["values"]["precision"]  # as if it were older than this setting
    folder.about.write_text(json.dumps(content))
    folder.open("small", PLAN)
    assert folder.read_about() == ("small", PLAN)
    content["values"]["channels"] = 4
    folder.about.write_text(json.dumps(content))
    with pytest.raises(UserError, match="is another table than small"):
        folder.open("small", PLAN)


@pytest.mark.parametrize("content", ["[]", "{}", '{"table": "small"}'])
def test_a_broken_folder_is_named(tmp_path: Path, content: str) -> None:
    folder = Folder(tmp_path)
    folder.about.write_text(content)
    with pytest.raises(UserError, match=r"table\.json is no table"):
        pack_folder(tmp_path, tmp_path / "packed.json")


def test_machines_come_with_what_they_have_made(tmp_path: Path) -> None:
    folder = made(tmp_path / "table", ROWS[:3])
    folder.add(ROWS[3:6], MACHINE)
    assert folder.machines == [MACHINE]
    folder.add(ROWS[6:9], {"processor": "other"})
    assert folder.machines == [MACHINE, {"processor": "other"}]


def test_of_every_training_all_rows_are_from_one_folder(tmp_path: Path) -> None:
    changed = [{**row, "seconds": row["seconds"] + 100} for row in ROWS]
    one = made(tmp_path / "one", ROWS[:5])  # the second one was cut off
    two = made(tmp_path / "two", changed[:9])
    merged = Folder(tmp_path / "merged")
    merge([one.path, two.path], merged.path)
    expected = pd.DataFrame([*ROWS[:3], *changed[3:9]])
    pd.testing.assert_frame_equal(read(merged.rows, 2), expected, check_dtype=False)
    assert merged.read_about() == ("small", PLAN)
    assert merged.machines == [MACHINE]


def test_merging_leaves_the_folder_of_another_table_alone(tmp_path: Path) -> None:
    one = made(tmp_path / "one", ROWS[:3])
    other = Folder(tmp_path / "other")
    other.path.mkdir()
    other.open("other", PLAN)
    with pytest.raises(UserError, match="is another table than small"):
        merge([one.path], other.path)
    assert other.read_about() == ("other", PLAN)
    assert not other.rows.exists()


def test_packing_reads_a_folder_in_which_another_process_works(tmp_path: Path) -> None:
    folder = made(tmp_path / "table", ROWS[:8])
    with folder.rows.open("ab") as file:
        file.write(b'"skip, sk')
        file.flush()
        pack_folder(folder.path, tmp_path / "packed.json")
        file.write(b"ip")
    assert folder.rows.read_bytes().endswith(b'"skip, skip')
    assert len(Table(tmp_path / "packed.json").rows) == 6
