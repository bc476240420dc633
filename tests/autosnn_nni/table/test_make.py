"""Making a table in processes of its own: whole, in shards, and after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.table import Plan, Table
from autosnn_nni.table.folder import Folder, merge, pack_folder
from autosnn_nni.table.make import make
from autosnn_nni.table.rows import KEY, read, tasks_of
from tests.autosnn_nni.table.made import VALUES

#: 32 architectures with one seed, one of them and the front with two, and one with T = 1.
SMALL = Plan(
    values=VALUES,
    epochs=(0, 2),
    seeds=1,
    sample=1,
    more_seeds=1,
    other_timesteps=(1,),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole")
    make("small", SMALL, path, processes=2)
    return path


def measured(path: Path) -> pd.DataFrame:
    """The rows in one order, without the seconds, which differ from run to run."""
    rows = read(Folder(path).rows, 2)
    return rows.sort_values(list(KEY), ignore_index=True).drop(columns="seconds")


@pytest.mark.slow
def test_everything_is_trained_and_then_the_front(whole: Path) -> None:
    rows = read(Folder(whole).rows, 2)
    done, front = set(tasks_of(rows)), Table.of(SMALL, rows).front()
    assert done >= {*SMALL.tasks, *SMALL.of_front(front)}
    assert len(done) > len(SMALL.tasks)
    *_, last = tasks_of(rows)
    assert last.timesteps == 1  # others than the plan's come after the front


@pytest.mark.slow
def test_nothing_is_trained_twice(whole: Path) -> None:
    before = Folder(whole).rows.read_bytes()
    make("small", SMALL, whole)
    assert Folder(whole).rows.read_bytes() == before


@pytest.mark.slow
def test_shards_are_merged_to_the_same_table(whole: Path, tmp_path: Path) -> None:
    parts = [tmp_path / "one", tmp_path / "two"]
    for number, part in enumerate(parts, start=1):
        make("small", SMALL, part, shard=(number, 2))
    merged = tmp_path / "merged"
    merge([*parts, parts[0]], merged)
    assert set(tasks_of(read(Folder(merged).rows, 2))) == set(SMALL.tasks)
    make("small", SMALL, merged)
    pd.testing.assert_frame_equal(measured(merged), measured(whole))
    pack_folder(merged, tmp_path / "packed.json")
    packed = Table(tmp_path / "packed.json")
    assert packed.front() == Table.of(SMALL, read(Folder(whole).rows, 2)).front()


_MAKE = """
from pathlib import Path
from autosnn_nni.table.make import make
from tests.autosnn_nni.table.test_make import SMALL
if __name__ == "__main__":
    make("small", SMALL, Path({path!r}), processes=2)
"""


@pytest.mark.slow
def test_a_killed_process_loses_only_the_trainings_at_work(whole: Path, tmp_path: Path) -> None:
    script, path = tmp_path / "make_it.py", tmp_path / "table"
    script.write_text(_MAKE.format(path=str(path)))
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen([sys.executable, script], env=environment, start_new_session=True)
    rows = Folder(path).rows
    while not rows.exists() or len(read(rows, 2)) < 10:
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait()
    _wait_for_the_end_of(process.pid)
    kept = len(read(rows, 2))
    make("small", SMALL, path, processes=2)
    assert len(read(rows, 2)) > kept
    pd.testing.assert_frame_equal(measured(path), measured(whole))


def _wait_for_the_end_of(group: int) -> None:
    """The workers end with the process that has started them."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)
    raise AssertionError("the workers went on")


@pytest.mark.slow
def test_another_table_in_the_folder_is_refused(whole: Path) -> None:
    with pytest.raises(UserError, match="is another table than small"):
        make("small", Plan(values=VALUES, epochs=(0, 2)), whole)


@pytest.mark.slow
def test_merging_refuses_other_tables_and_full_folders(whole: Path, tmp_path: Path) -> None:
    Folder(tmp_path / "other").open("other", SMALL)
    with pytest.raises(UserError, match="is another table"):
        merge([whole, tmp_path / "other"], tmp_path / "merged")
    with pytest.raises(UserError, match="has measurements already"):
        merge([whole], whole)
    with pytest.raises(UserError, match="does not exist"):
        merge([tmp_path], tmp_path / "merged")


def test_processes_must_be_some(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--processes must be at least 1, not 0"):
        make("small", SMALL, tmp_path / "table", processes=0)
    assert not (tmp_path / "table").exists()
