from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.autosnn_nni.written_run import write_run

Autosnn = Callable[..., Any]


def test_runs_are_compared_on_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autosnn: Autosnn
) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = write_run(tmp_path / "runs/a"), write_run(tmp_path / "runs/b")
    outcome = autosnn("compare", one, other)
    assert (outcome.code, outcome.out) == (0, "Comparison: compare.html, compare.csv\n")
    assert "a and b compared" in (tmp_path / "compare.html").read_text()


def test_a_single_run_is_refused_in_a_line(tmp_path: Path, autosnn: Autosnn) -> None:
    outcome = autosnn("compare", write_run(tmp_path / "a"), "--output", tmp_path / "b.html")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "autosnn: give two runs or more, each of them once: autosnn compare runs/a runs/b"
    ]
