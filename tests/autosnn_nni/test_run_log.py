"""``run.log`` in a run's folder."""

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Autosnn = Callable[..., Any]


def lines(run: Path) -> list[str]:
    """The log without its times."""
    return [re.sub(r"^\S+ \S+ ", "", line) for line in (run / "run.log").read_text().splitlines()]


def test_a_run_logs_what_it_does(finished: Path) -> None:
    text = "\n".join(lines(finished))
    started = re.findall(r"INFO    autosnn-nni \S+: search --output \S+ --channels 2 ", text)
    assert len(started) == 1
    assert "INFO    Supernet: epoch 2: loss " in text
    assert "INFO    Search: generation 2, 40 architectures, fittest " in text
    assert re.search(r"INFO    Training the winner: 0\.\d{4} test accuracy, \d+\.\d spikes", text)
    assert lines(finished)[-1] == "INFO    done"
    assert "DEBUG" not in text


def test_more_or_less_is_logged(run: Path, autosnn: Autosnn) -> None:
    (run / "run.log").unlink()
    command = ("search", "--output", run, "--rounds", 3, "--no-baselines")
    assert autosnn(*command, "--log-level", "debug").code == 0
    evaluated = [line for line in lines(run) if line.startswith("DEBUG")]
    assert len(evaluated) == 60
    (run / "run.log").unlink()
    assert autosnn(*command, "--log-level", "warning").code == 0
    assert lines(run) == []


def test_a_wrong_level_gets_a_suggestion(tmp_path: Path, autosnn: Autosnn) -> None:
    outcome = autosnn("search", "--output", tmp_path / "run", "--log-level", "inf")
    assert outcome.code == 2
    assert "unknown --log-level 'inf'; did you mean 'info'?" in outcome.err
    assert not (tmp_path / "run").exists()


def test_an_error_is_logged(run: Path, autosnn: Autosnn, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "result.json").unlink()
    (run / "retrained.ckpt").unlink()
    (run / "retrained.csv").unlink()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("autosnn_nni.pipeline.train_network", fail)
    assert autosnn("search", "--output", run).code == 1
    text = (run / "run.log").read_text()
    assert "ERROR   failed\nTraceback" in text
    assert "RuntimeError: a fault" in text


@pytest.mark.slow
def test_a_stop_is_logged(tmp_path: Path, start: Autosnn, long: tuple[str, ...]) -> None:
    run = tmp_path / "run"
    process = start("search", "--output", run, *long)
    process.stop_when(lambda: (run / "supernet.csv").exists(), signal.SIGTERM)
    assert lines(run)[-1] == "WARNING stopped"
