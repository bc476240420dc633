"""Searches by trials that NNI's manager starts: real ones, stopped and resumed in every way."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from autosnn_nni.nas.trial import Trial
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.machine import Machine
from autosnn_nni.search_spaces import from_sample, to_sample
from tests.benchmarks import stress
from tests.ports import free_port

CLIENT = Path(__file__).with_name("trial_client.py")

pytestmark = pytest.mark.manager

#: The second of the generations of three ends with its second trial.
LIMITS = {"trial_concurrency": 2, "max_trial_number": 5}


def wait_until(reached: Callable[[], Any], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@dataclass
class Client:
    """A process that runs ``trial_client.py``, and NNI's manager behind it."""

    popen: "subprocess.Popen[bytes]"
    port: int
    log: Path
    seen: set[psutil.Process] = field(default_factory=set)

    @property
    def said(self) -> list[dict[str, Any]]:
        lines = (self.log / "out").read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    @property
    def errors(self) -> str:
        return (self.log / "err").read_text()

    def get(self, path: str) -> Any:
        return requests.get(f"http://127.0.0.1:{self.port}/api/v1/nni/{path}", timeout=20).json()

    def jobs(self, *statuses: str) -> dict[str, Any]:
        """The trials by id, in order; none before the manager is up."""
        with suppress(requests.RequestException):
            jobs = self.get("trial-jobs")
            return {one["trialJobId"]: one for one in jobs if one["status"] in statuses}
        return {}

    def wait_until(self, reached: Callable[[], Any]) -> None:
        def reached_or_dead() -> bool:
            assert self.popen.poll() is None, self.errors
            self.seen.update(psutil.Process(self.popen.pid).children(recursive=True))
            return bool(reached())

        wait_until(reached_or_dead)

    def finished(self) -> bool:
        return any("history" in line for line in self.said)

    def end(self, sign: int | None = None) -> int:
        """The exit code after a signal, or after ``stop()``; all its processes end."""
        if sign is None:
            (self.log / "stop").touch()
        else:
            self.popen.send_signal(sign)
        self.popen.wait(60)
        wait_until(lambda: not any(map(alive, self.seen)), 30)
        return self.popen.returncode


@pytest.fixture(scope="module")
def start(
    tmp_path_factory: pytest.TempPathFactory, finished: Path
) -> Iterator[Callable[..., Client]]:
    """Start a search by trials beside a run with a supernet; all have one home."""
    folder = tmp_path_factory.mktemp("trials")
    (folder / "run").symlink_to(finished)
    environment = {
        **os.environ,
        "HOME": str(folder / "home"),
        "NNI_CONFIG_DIR": str(folder / "nni"),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    clients: list[Client] = []

    def begin(**fields: Any) -> Client:
        port, log = free_port(), folder / str(len(clients))
        log.mkdir()
        popen = subprocess.Popen(
            [sys.executable, CLIENT, json.dumps({"port": port, "stop": f"{log}/stop", **fields})],
            stdout=(log / "out").open("wb"),
            stderr=(log / "err").open("wb"),
            cwd=folder,
            env=environment,
        )
        clients.append(Client(popen, port, log))
        return clients[-1]

    yield begin
    for client in clients:
        client.popen.kill()
        client.end()


@dataclass
class Session:
    """A finished search by trials, and what was seen of it on the way."""

    client: Client
    code: int = -1
    status: str = ""
    page: str = ""
    running: int = 0
    refused: dict[str, bool] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    experiment: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)

    @property
    def history(self) -> list[dict[str, Any]]:
        return self.client.said[-1]["history"]

    def look(self) -> bool:
        """Note what is so while the search goes on; true when it is over."""
        running = len(self.client.jobs("RUNNING"))
        if running and not self.page:
            port = self.client.port
            self.page = requests.get(f"http://127.0.0.1:{port}", timeout=20).text
            self.status = self.client.get("check-status")["status"]
            self.refused = {address: refuses(address, port) for address in other_addresses()}
        self.running = max(self.running, running)
        return self.client.finished()


def other_addresses() -> list[str]:
    return [
        one.address
        for interface in psutil.net_if_addrs().values()
        for one in interface
        if one.family == socket.AF_INET and not one.address.startswith("127.")
    ]


def refuses(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((address, port)) != 0


@pytest.fixture(scope="module")
def search(start: Callable[..., Client], web_ui: Callable[[str], Any]) -> Session:
    """A search that nothing has stopped."""
    session = Session(start(id="whole", **LIMITS))
    session.client.wait_until(session.look)
    session.jobs = session.client.jobs("SUCCEEDED")
    session.experiment = session.client.get("experiment")
    page = web_ui(f"http://127.0.0.1:{session.client.port}")
    page.open()
    session.rows = page.rows()
    session.code = session.client.end()
    return session


def test_the_web_ui_is_up_while_two_trials_run_at_once(search: Session) -> None:
    assert "<title>Neural Network Intelligence</title>" in search.page
    assert search.status == "RUNNING"
    assert search.running == 2


def test_the_limit_of_trials_ends_the_search_within_a_generation(search: Session) -> None:
    assert [one["generation"] for one in search.history] == [1, 1, 1, 2, 2]
    assert len(search.jobs) == 5


def test_every_record_is_of_the_architecture_that_ran(search: Session, finished: Path) -> None:
    """The spikes that a trial has counted tell what it ran."""
    trial = Trial(load_run(finished), Machine(device="cpu"))
    reported = {}
    for job in search.jobs.values():
        (parameters,) = map(json.loads, job["hyperParameters"])
        blocks = from_sample(parameters["parameters"]["mutation_summary"])
        reported[blocks] = json.loads(json.loads(job["finalMetricData"][0]["data"]))
    assert len(reported) == 5
    for blocks, metrics in reported.items():
        assert metrics == pytest.approx(dict(trial.inherit(blocks)))
    assert {tuple(one["blocks"]): one["fitness"] for one in search.history} == {
        blocks: metrics["default"] for blocks, metrics in reported.items()
    }


def test_the_web_ui_gets_a_column_and_an_axis_per_tbd_block(search: Session) -> None:
    labels = ["tbd1", "tbd2", "tbd3", "tbd4", "tbd5"]
    for job in search.jobs.values():
        parameters = json.loads(job["hyperParameters"][0])["parameters"]
        # The page shows this in place of all parameters.
        shown = parameters["mutation_summary"]
        assert list(shown) == labels
        assert all(isinstance(block, str) for block in shown.values())
        assert {label: parameters[label] for label in labels} == shown
    space = search.experiment["params"]["searchSpace"]
    assert list(space) == labels
    choice = {"_type": "choice", "_value": ["skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5"]}
    assert all(axis == choice for axis in space.values())


def test_trials_find_the_run_wherever_they_work(search: Session) -> None:
    (job, *_) = search.jobs.values()
    evaluator = json.loads(job["hyperParameters"][0])["parameters"]["evaluator"]
    assert Path(evaluator["run"]).is_absolute()


def test_the_best_are_exported_during_the_search_and_after(search: Session) -> None:
    *generations, end = search.client.said
    assert [one["generation"] for one in generations] == [1, 2]
    for said, count in zip([*generations, end], (3, 5, 5), strict=True):
        best = sorted(search.history[:count], key=lambda one: -one["fitness"])
        assert said["top"] == [to_sample(one["blocks"]) for one in best[:2]]


def test_only_this_machine_reaches_the_manager(search: Session) -> None:
    if not search.refused:
        pytest.skip("this machine has no other address")
    assert all(search.refused.values())


def test_a_run_says_where_the_web_ui_is_and_how_far_it_is(search: Session) -> None:
    url = f"http://127.0.0.1:{search.client.port}"
    address, progress = search.client.errors.splitlines()
    assert address == f"NNI's web UI: {url} (experiment whole)"
    assert progress.startswith("Search ")
    assert " 5/9 trials " in progress


def test_the_web_ui_opens_on_blocks_accuracy_spikes_and_energy(search: Session) -> None:
    assert len(search.rows) == 5
    for row, job in zip(search.rows, search.jobs.values(), strict=True):
        reported = json.loads(json.loads(job["finalMetricData"][0]["data"]))
        for name in "accuracy", "spikes", "energy":
            assert float(row[f"metric/{name}"]) == pytest.approx(reported[name], rel=5e-3)
        shown = json.loads(job["hyperParameters"][0])["parameters"]["mutation_summary"]
        assert {label: row[f"space/{label}"] for label in shown} == shown


def test_stop_ends_the_manager(search: Session) -> None:
    assert search.code == 0
    assert not any(map(alive, search.client.seen))
    assert refuses("127.0.0.1", search.client.port)


@dataclass
class Stopped:
    """One search, stopped in every way: the trials that had succeeded before each of them."""

    succeeded: list[dict[str, Any]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)


@pytest.fixture(scope="module")
def stopped(start: Callable[..., Client]) -> Stopped:
    """Killed with its first trials, stopped by Ctrl-C, by itself and at the end, each resumed."""
    seen = Stopped()
    for options, sign in (
        (LIMITS, signal.SIGKILL),
        ({"resume": True}, signal.SIGINT),
        ({"resume": True, "generations": 1}, None),
        ({"resume": True}, None),
        ({"resume": True, "final": True}, None),
    ):
        client = start(id="stopped", **options)
        before = len(seen.succeeded[-1]) if seen.succeeded else 0
        if sign is None:
            client.wait_until(client.finished)
        else:
            client.wait_until(
                lambda client=client, before=before: (
                    len(client.jobs("SUCCEEDED")) > before and client.jobs("RUNNING")
                )
            )
        seen.succeeded.append(client.jobs("SUCCEEDED"))
        seen.codes.append(client.end(sign))
        seen.clients.append(client)
    return seen


def test_no_process_is_left_by_a_kill_or_ctrl_c(stopped: Stopped) -> None:
    assert stopped.codes == [-signal.SIGKILL, -signal.SIGINT, 0, 0, 0]
    for client in stopped.clients:
        assert len(client.seen) >= 1
        assert not any(map(alive, client.seen))
        assert refuses("127.0.0.1", client.port)


def test_a_resumed_search_is_the_one_that_nothing_has_stopped(
    search: Session, stopped: Stopped
) -> None:
    *_, resumed, again = stopped.clients
    assert resumed.said[-1]["history"] == search.history
    assert again.said[:-1] == resumed.said


def test_the_best_of_a_resumed_search_is_trained_from_scratch(stopped: Stopped) -> None:
    *_, end, final = stopped.clients[-1].said
    assert final["final"] == list(end["top"][0].values())


def test_no_architecture_is_evaluated_twice(stopped: Stopped) -> None:
    *_, last = stopped.succeeded
    for before in stopped.succeeded:
        assert before.items() <= last.items()
    ran = [job["hyperParameters"][0] for job in last.values()]
    shown = [json.dumps(json.loads(one)["parameters"]["mutation_summary"]) for one in ran]
    assert len(set(shown)) == len(shown) == 5


def test_stop_ends_the_search(search: Session, stopped: Stopped) -> None:
    client = stopped.clients[2]
    assert client.said[-1]["history"] == search.history[:3]


def test_ctrl_c_is_raised(stopped: Stopped) -> None:
    assert stopped.clients[1].errors.rstrip().endswith("KeyboardInterrupt")


def test_when_all_trials_die_the_search_fails_and_stops(start: Callable[..., Client]) -> None:
    client = start(id="dead", device="cuda", **LIMITS)  # there is none for them
    client.wait_until(lambda: "RuntimeError" in client.errors)
    assert client.end() == 1
    assert "RuntimeError: every trial of generation 1 failed" in client.errors
    assert client.said == []


@pytest.mark.long
def test_what_is_recorded_is_what_ran_though_trials_die(home: Path, tmp_path: Path) -> None:
    outcome = stress.search(20, 4, tmp_path, free_port())
    assert len(outcome.status) == 20
    died = [trial for trial, status in outcome.status.items() if status == "FAILED"]
    assert len(died) == 4
    assert len(outcome.ran) == 18  # the others have died before they asked
    assert outcome.wrong == []
    alive = outcome.ran.keys() - died
    assert outcome.history == {
        outcome.ran[trial]: stress.metrics_of(outcome.ran[trial])["default"] for trial in alive
    }
