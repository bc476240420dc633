"""The command line, in this process and in one of its own, and runs of tiny settings."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from autosnn_nni.cli.app import main
from autosnn_nni.data import load_dataset
from autosnn_nni.errors import UserError

EXECUTABLE = Path(sys.executable).with_name("autosnn")
#: On one thread of the CPU sums are rounded alike in every process, wherever the tests run.
ALIKE = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture
def home_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test may download, or touch the real cache, wherever it runs."""

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(Path, "home", lambda: home)
    return home


def message(name: str, folder: Path | None = None, timesteps: int | None = None) -> str:
    """The one line that loading a data set fails with."""
    with pytest.raises(UserError) as caught:
        load_dataset(name, folder, timesteps)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@dataclass(frozen=True)
class Outcome:
    """What a command has left on the terminal."""

    code: int
    out: str
    err: str


def _in_process(*arguments: object) -> Outcome:
    out, err, threads = StringIO(), StringIO(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            mock.patch.object(sys, "argv", ["autosnn", *map(str, arguments)]),
            mock.patch.object(torch.cuda, "is_available", return_value=False),
            pytest.raises(SystemExit) as exit_,
        ):
            main()
    finally:
        torch.set_num_threads(threads)
    return Outcome(int(exit_.value.code or 0), out.getvalue(), err.getvalue())


@dataclass
class Process:
    """The real ``autosnn`` at work."""

    popen: "subprocess.Popen[str]"

    def stop_when(self, reached: Callable[[], bool], sign: int) -> Outcome:
        """Send a signal as soon as something is so; fails if the process ends before."""
        while not reached():
            assert self.popen.poll() is None, f"it ended too early: {self.wait()}"
            time.sleep(0.002)
        self.popen.send_signal(sign)
        return self.wait()

    def wait(self) -> Outcome:
        """The outcome at the end."""
        out, err = self.popen.communicate(timeout=300)
        return Outcome(self.popen.returncode, out, err)


@pytest.fixture(scope="session")
def autosnn() -> Callable[..., Outcome]:
    """Run a command in this process."""
    return _in_process


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., Process]]:
    """Start a command in a process of its own."""
    processes: list[Process] = []

    def begin(
        *arguments: object,
        command: str | Path = EXECUTABLE,
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Process:
        popen = subprocess.Popen(
            [str(command), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **ALIKE, **(env or {})},
            **options,
        )
        processes.append(Process(popen))
        return processes[-1]

    yield begin
    for process in processes:
        process.popen.kill()
        process.popen.communicate()


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Settings of a run that takes two seconds."""
    return (
        *("--channels", "2", "--timesteps", "2", "--images", "60", "--learning-rate", "0.01"),
        *("--supernet-epochs", "2", "--rounds", "2", "--retrain-epochs", "2"),
        *("--retrain-top", "1", "--no-baselines"),
    )


@pytest.fixture(scope="session")
def long() -> tuple[str, ...]:
    """Settings of a run whose every stage takes long enough to be stopped in it."""
    return (
        *("--channels", "2", "--timesteps", "2", "--images", "60", "--schedule", "one-cycle"),
        *("--supernet-epochs", "8", "--rounds", "3", "--retrain-epochs", "8"),
    )


@pytest.fixture(scope="session")
def reference(
    tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Process], long: tuple[str, ...]
) -> tuple[Path, Outcome]:
    """A run of the ``long`` settings that nothing has stopped, and what it has printed."""
    folder = tmp_path_factory.mktemp("reference")
    outcome = start("search", "--output", "runs/a", *long, cwd=folder).wait()
    assert outcome.code == 0, outcome.err
    return folder / "runs/a", outcome


@pytest.fixture(scope="session")
def make_run(
    tmp_path_factory: pytest.TempPathFactory, autosnn: Callable[..., Outcome]
) -> Callable[..., Path]:
    """The folder of a new run, by a command with these settings."""

    def make(command: str, *settings: str) -> Path:
        folder = tmp_path_factory.mktemp(command) / "run"
        outcome = autosnn(command, "--output", folder, *settings)
        assert outcome.code == 0, outcome.err
        return folder

    return make


@pytest.fixture(scope="session")
def finished(make_run: Callable[..., Path], tiny: tuple[str, ...]) -> Path:
    """A finished run of the ``tiny`` settings, to be read only."""
    return make_run("search", *tiny)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of the test's own."""
    return shutil.copytree(finished, tmp_path / "run")
