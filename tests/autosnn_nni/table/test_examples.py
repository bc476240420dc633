"""The examples for other people's optimisers: their numbers are the table's."""

import runpy
import sys
from pathlib import Path

import pytest

from autosnn_nni.table import Table
from tests.autosnn_nni.table.made import packed_in

EXAMPLES = sorted(Path("examples").glob("table_*.py"))


@pytest.mark.parametrize("own", [True, False], ids=["own", "shipped"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_finds_the_tables_numbers(
    example: Path,
    own: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = packed_in(tmp_path) if own else None
    monkeypatch.setattr(sys, "argv", [str(example), *([str(path)] if path else [])])
    runpy.run_path(str(example), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    front = [line.split() for line in lines if line[0].isdigit()]
    assert front
    table = Table(path or "SNN_1/fashion14")
    for accuracy, spikes, *blocks in front:
        found = table.query(blocks, seed=0).val
        assert (f"{found.accuracy:.4f}", f"{found.spikes:,.0f}") == (accuracy, spikes)


def test_examples_are_short() -> None:
    assert len(EXAMPLES) == 2
    assert all(len(path.read_text().splitlines()) <= 30 for path in EXAMPLES)
