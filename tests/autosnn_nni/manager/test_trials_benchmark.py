"""The benchmark of trials runs; its size here says nothing about speed."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks import trials

pytestmark = [pytest.mark.manager, pytest.mark.long]


def test_trials(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["trials", str(finished), "--repeats", "2"])
    trials.main()
    assert float(capsys.readouterr().out.split()[-1]) > 0
