from pathlib import Path

import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.runs.search_state import load_history
from autosnn_nni.runs.search_times import read_times, write_times

TIMES = {1: (1_700_000_000.125, 1_700_000_003.5), 2: (1_700_000_009.0, 1_700_000_012.75)}


def test_they_are_a_table_that_gives_them_back(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    write_times(files, TIMES)
    header, first, _ = files.generations.read_text().splitlines()
    assert header == "generation,start,end"
    assert first == "1,2023-11-14T22:13:20.125+00:00,2023-11-14T22:13:23.500+00:00"
    assert read_times(files) == TIMES


def test_a_run_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    assert read_times(RunFiles(tmp_path)) == {}


@pytest.mark.parametrize(
    "content", ["generation,start\n1,2\n", "generation,start,end\n1,noon,later\n", "\n1\n2"]
)
def test_a_broken_table_is_named(tmp_path: Path, content: str) -> None:
    files = RunFiles(tmp_path)
    files.generations.write_text(content)
    with pytest.raises(UserError, match=r"generations\.csv is broken; delete it"):
        read_times(files)


def test_a_search_notes_when_it_scored_each_generation(finished: Path) -> None:
    history = load_history(RunFiles(finished))
    assert list(history.times) == [1, 2]
    (start, end), (next_start, next_end) = history.times.values()
    assert start < end <= next_start < next_end
