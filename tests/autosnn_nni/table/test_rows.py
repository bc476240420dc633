"""Measurements on disk."""

from pathlib import Path

import pandas as pd
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.table.rows import append, read, tasks_of, tidy
from tests.autosnn_nni.table.made import PLAN, made_up

ROWS = made_up().to_dict("records")


def test_rows_are_read_as_they_were_added(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    append(path, ROWS[:3])
    append(path, ROWS[3:])
    pd.testing.assert_frame_equal(read(path, 2), made_up(), check_dtype=False)


def test_without_a_file_nothing_is_trained(tmp_path: Path) -> None:
    assert tasks_of(read(tmp_path / "rows.csv", 2)) == []


def test_a_training_counts_when_its_last_row_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    append(path, ROWS[:5])
    assert tasks_of(read(path, 2)) == [PLAN.tasks[0]] * 3


@pytest.mark.parametrize("length", range(0, 1200, 37))
def test_what_a_crash_has_left_is_dropped_and_trained_again(tmp_path: Path, length: int) -> None:
    path = tmp_path / "rows.csv"
    append(path, ROWS[:6])
    torn = path.read_bytes()[:length]
    path.write_bytes(torn)
    rows = read(path, 2)
    assert path.read_bytes() == torn  # another process may be adding to it
    assert len(rows) in (0, 3, 6)
    tidy(path, 2)
    append(path, ROWS[len(rows) : 6])
    pd.testing.assert_frame_equal(read(path, 2), made_up().head(6), check_dtype=False)


def test_a_whole_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    append(path, ROWS)
    before = path.stat()
    tidy(path, 2)
    after = path.stat()  # but for when it was read
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "\x00\n"])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=r"rows\.csv"):
        read(path, 2)
