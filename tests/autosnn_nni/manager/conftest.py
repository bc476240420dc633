"""The real nnictl and its manager, in a home and with a configuration of their own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import yaml

from tests.ports import free_port

BIN = Path(sys.executable).parent
CANDIDATES = ["skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5"]
SPACE = {f"tbd{number}": {"_type": "choice", "_value": CANDIDATES} for number in range(1, 6)}


def wait_for(reached: Callable[[], Any], what: str, seconds: float = 300) -> Any:
    """What ``reached`` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := reached():
            return result
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {seconds} s")


@dataclass(frozen=True)
class Experiment:
    """A manager that nnictl has started, seen through its REST interface."""

    port: int
    said: str = ""  # by nnictl

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1/nni"

    def get(self, path: str) -> Any:
        return requests.get(f"{self.url}/{path}", timeout=20).json()

    @property
    def status(self) -> str:
        return str(self.get("check-status")["status"])

    @property
    def identifier(self) -> str:
        return str(self.get("experiment")["id"])

    def trials(self, status: str | None = None) -> list[dict[str, Any]]:
        trials = [trial for trial in self.get("trial-jobs") if "hyperParameters" in trial]
        return [trial for trial in trials if status in (None, trial["status"])]

    def wait(self, seconds: float = 300) -> None:
        """Until all trials have ended.

        The first answer that says so counts: if the tuner says twice that it has no more trials,
        NNI is not done for a moment again.
        """
        answers: list[Any] = []

        def ended() -> bool:
            answers.append(self.get("check-status"))
            return answers[-1]["status"] in ("DONE", "ERROR")

        wait_for(ended, "the experiment's end", seconds)
        assert answers[-1] == {"status": "DONE", "errors": []}

    def process(self) -> psutil.Process:
        """The manager's."""
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == self.port:
                return psutil.Process(connection.pid)
        raise AssertionError(f"nothing listens on port {self.port}")

    def kill(self) -> psutil.Process:
        """Kill -9 of the manager and of all that it has started; gives the manager's process."""
        manager = self.process()
        for process in [*manager.children(recursive=True), manager]:
            process.kill()
        return manager


def parameters(trial: dict[str, Any]) -> dict[str, str]:
    """What NNI has recorded as a trial's parameters."""
    (record,) = trial["hyperParameters"]
    recorded: dict[str, str] = json.loads(record)["parameters"]
    return recorded


def metrics(trial: dict[str, Any]) -> dict[str, float]:
    """What a trial has reported."""
    (final,) = trial["finalMetricData"]
    reported: dict[str, float] = json.loads(json.loads(final["data"]))
    return reported


@dataclass
class Nnictl:
    """Runs nnictl; what it starts is ended with the tests."""

    home: Path
    config_dir: Path

    @property
    def environment(self) -> dict[str, str]:
        """A user's, without an activated environment."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("NNI_")},
            "HOME": str(self.home),
            "NNI_CONFIG_DIR": str(self.config_dir),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }

    def __call__(
        self, *arguments: object, command: str = "nnictl", path: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        environment = self.environment
        if path is not None:
            environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
        return subprocess.run(
            [str(BIN / command), *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def create(self, config: Path, **options: Any) -> Experiment:
        """Start an experiment; its manager answers."""
        port = free_port()
        outcome = self("create", "--config", config, "--port", port, **options)
        assert outcome.returncode == 0, outcome.stderr
        return Experiment(port, outcome.stdout + outcome.stderr)


@pytest.fixture(scope="session")
def nnictl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nnictl]:
    """nnictl that knows the plugin."""
    folder = tmp_path_factory.mktemp("nni")
    run = Nnictl(folder / "home", folder / "config")
    run.home.mkdir()
    assert run("register", command="autosnn").returncode == 0
    yield run
    run("stop", "--all")


@pytest.fixture(scope="session")
def write_config(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a configuration of a small search on a finished run, with some fields changed."""

    def write(tuner: dict[str, Any] | None = None, **fields: Any) -> Path:
        search = {"rounds": 2, "population": 4, "mutated": 2, "crossed": 2, "seed": 3}
        config = {
            "experimentName": "tiny",
            "trialCodeDirectory": str(finished),
            "trialCommand": "autosnn trial --device cpu",
            "trialConcurrency": 2,
            "maxTrialNumber": 8,
            "searchSpace": SPACE,
            "tuner": {"name": "AutoSNN", "classArgs": search} if tuner is None else tuner,
            "trainingService": {"platform": "local_autosnn"},
            **fields,
        }
        path = tmp_path_factory.mktemp("config") / "nnictl.yml"
        path.write_text(yaml.safe_dump(config))
        return path

    return write


@pytest.fixture(scope="session")
def other_address() -> str:
    """An address of this machine that is not the loopback's."""
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family == socket.AF_INET and not one.address.startswith("127."):
                return str(one.address)
    return "127.0.0.2"  # a machine without a network: listeners on all interfaces answer here too


def reachable(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((address, port)) == 0
