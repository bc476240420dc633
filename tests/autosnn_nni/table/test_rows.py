"""Measurements on disk."""

from pathlib import Path

import pandas as pd
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.table.rows import append, read, trained
from tests.autosnn_nni.table.made import PLAN, made_up

ROWS = made_up().to_dict("records")


def test_rows_are_read_as_they_were_added(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    append(path, ROWS[:3])
    append(path, ROWS[3:])
    pd.testing.assert_frame_equal(read(path), made_up(), check_dtype=False)


def test_without_a_file_nothing_is_trained(tmp_path: Path) -> None:
    assert trained(read(tmp_path / "rows.csv"), 2) == set()


def test_a_training_counts_when_its_last_row_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    append(path, ROWS[:5])
    assert trained(read(path), 2) == {PLAN.tasks[0]}


@pytest.mark.parametrize("cut", [1, 20])
def test_a_torn_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.csv"
    append(path, ROWS[:6])
    path.write_bytes(path.read_bytes()[:-cut])
    assert len(read(path)) == 5
    append(path, ROWS[5:6])
    pd.testing.assert_frame_equal(read(path), made_up().head(6), check_dtype=False)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\x00\n"])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=r"rows\.csv"):
        read(path)
