"""Trials that NNI starts by ssh, on an sshd of the tests' own."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from autosnn_nni.nas.trial import Trial
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.machine import Machine
from autosnn_nni.search_spaces import from_sample
from tests.autosnn_nni.manager.conftest import (
    BIN,
    Experiment,
    Nnictl,
    metrics,
    parameters,
    reachable,
    wait_for,
)
from tests.ports import free_port

WriteConfig = Callable[..., Path]
EXAMPLES = Path(__file__).parents[3] / "examples/digits"
USER = pwd.getpwuid(os.getuid()).pw_name
#: Only a tunnel can listen there: the manager is on 127.0.0.1.
TUNNEL = "127.0.0.2"

_SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
GatewayPorts clientspecified
Subsystem sftp internal-sftp
SetEnv HOME={home} PIP_NO_INDEX=1 OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES=
"""


@dataclass(frozen=True)
class Worker:
    """Another machine, as NNI sees it; sessions have their home folder in ``home``."""

    port: int
    key: Path
    home: Path

    @property
    def machine(self) -> dict[str, Any]:
        """Its entry in a configuration."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "sshKeyFile": str(self.key),
            "pythonPath": str(BIN),
        }

    def trial_keepers(self) -> list[psutil.Process]:
        """NNI's servers at work on it."""
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(str(self.home) in word for word in process.info["cmdline"] or ())
        ]

    def received(self, experiment: Experiment) -> set[str]:
        """The files that trials start beside."""
        trials = f"nni-experiments/{experiment.identifier}/environments/*/upload/trial_code/*"
        return {path.name for path in self.home.glob(trials)}

    @contextmanager
    def tunnel(self, port: int) -> Iterator[None]:
        """Lets it reach the manager's port of this machine."""
        forward = f"{TUNNEL}:{port}:127.0.0.1:{port}"
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes")
        ssh = subprocess.Popen(
            ["ssh", "-N", "-R", forward, "-p", str(self.port), "-i", str(self.key)]
            + [part for option in options for part in ("-o", option)]
            + [f"{USER}@127.0.0.1"],
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: reachable(TUNNEL, port), "the tunnel")
            yield
        finally:
            ssh.terminate()
            ssh.wait(20)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """This machine behind an sshd that lets only the tests' own key in."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None:
        pytest.fail("trials on other machines need an sshd: apt-get install openssh-server")
    folder = tmp_path_factory.mktemp("ssh")
    one = Worker(free_port(), folder / "user", folder / "home")
    one.home.mkdir()
    for name in "host", "user":
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(keygen, check=True)
    config = folder / "sshd_config"
    config.write_text(_SSHD.format(port=one.port, folder=folder, home=one.home))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # as Debian's service does: root's sshd insists
    with subprocess.Popen([sshd, "-D", "-E", str(folder / "log"), "-f", str(config)]) as process:
        wait_for(lambda: reachable("127.0.0.1", one.port), "sshd")
        yield one
        process.terminate()


@pytest.fixture
def small_run(run: Path) -> Path:
    """A finished run of which only what trials need is shipped, as the documentation has it."""
    (run / ".nniignore").write_text("*\n!settings.json\n!data.json\n!supernet.ckpt\n")
    return run


@contextmanager
def ended(experiment: Experiment, nnictl: Nnictl, worker: Worker) -> Iterator[Experiment]:
    """The experiment when it is done; afterwards nothing of it is left at work."""
    try:
        experiment.wait()
        yield experiment
    finally:
        nnictl("stop", "--port", experiment.port)
        wait_for(lambda: not worker.trial_keepers(), "the end of NNI's server on the worker")


def assert_recorded_as_run(experiment: Experiment, run: Path) -> None:
    """Every trial's result is that of the architecture which NNI has recorded for it."""
    trial = Trial(load_run(run), Machine(device="cpu"))
    for succeeded in experiment.trials("SUCCEEDED"):
        blocks = from_sample(parameters(succeeded))
        assert metrics(succeeded) == pytest.approx(trial.inherit(blocks), rel=1e-9)
    assert not Path(
        pwd.getpwuid(os.getuid()).pw_dir, "nni-experiments", experiment.identifier
    ).exists()


@pytest.mark.long
def test_the_supernet_travels_to_workers_that_reach_the_manager_through_a_tunnel(
    nnictl: Nnictl, worker: Worker, small_run: Path, tmp_path: Path
) -> None:
    """With the example's configuration, but for the machine, the run and the search's size."""
    config = yaml.safe_load((EXAMPLES / "remote.yml").read_text())
    config["trialCodeDirectory"] = str(small_run)
    config |= {"trialConcurrency": 2, "maxTrialNumber": 4}
    config["trainingService"] |= {"machineList": [worker.machine], "nniManagerIp": TUNNEL}
    (tmp_path / "remote.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    with worker.tunnel(port):
        said = nnictl("create", "--config", tmp_path / "remote.yml", "--port", port)
        assert said.returncode == 0, said.stderr
        with ended(Experiment(port), nnictl, worker) as experiment:
            assert [trial["status"] for trial in experiment.trials()] == ["SUCCEEDED"] * 4
            assert_recorded_as_run(experiment, small_run)
            assert worker.received(experiment) == {"settings.json", "data.json", "supernet.ckpt"}
            listening = [
                connection.laddr.ip
                for keeper in worker.trial_keepers()
                for connection in keeper.net_connections("tcp")
                if connection.status == psutil.CONN_LISTEN
            ]
            assert listening == ["127.0.0.1"]


@pytest.mark.long
def test_trials_of_two_workers_read_a_run_in_a_shared_folder(
    nnictl: Nnictl, worker: Worker, write_config: WriteConfig, small_run: Path
) -> None:
    """One that dies before it asks for its parameters leaves those of the others alone."""
    (small_run / ".nniignore").write_text("*\n!settings.json\n")
    config = write_config(
        trialCodeDirectory=str(small_run),
        trialCommand=f"test $NNI_TRIAL_SEQ_ID != 0 && autosnn trial {small_run}",
        maxTrialNumber=4,
        trainingService={"platform": "remote_autosnn", "machineList": [worker.machine] * 2},
    )
    with ended(nnictl.create(config), nnictl, worker) as experiment:
        assert [trial["status"] for trial in experiment.trials()] == ["FAILED"] + 3 * ["SUCCEEDED"]
        assert_recorded_as_run(experiment, small_run)
        assert worker.received(experiment) == {"settings.json"}
        assert len(worker.trial_keepers()) == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"reuseMode": True},
            "trainingService.reuseMode: not supported by remote_autosnn; leave it out",
        ),
        ({"listen": "0.0.0.0"}, "trainingService.nniManagerIp: the manager listens on 0.0.0.0;"),
    ],
)
def test_what_can_t_work_on_other_machines_is_said_before_the_manager_starts(
    fields: dict[str, Any],
    message: str,
    nnictl: Nnictl,
    worker: Worker,
    write_config: WriteConfig,
) -> None:
    service = {"platform": "remote_autosnn", "machineList": [worker.machine], **fields}
    port = free_port()
    outcome = nnictl("create", "--config", write_config(trainingService=service), "--port", port)
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(f"autosnn: {message}")
    assert len(outcome.stderr.splitlines()) == 1
    assert not reachable("127.0.0.1", port)


def test_nni_accepts_the_configuration_for_kubernetes(
    nnictl: Nnictl, finished: Path, tmp_path: Path
) -> None:
    """All that can be tested of it without a cluster."""
    path = tmp_path / "examples/digits/kubeflow.yml"
    shutil.copytree(finished, tmp_path / "runs/digits")
    path.parent.mkdir(parents=True)
    shutil.copy(EXAMPLES / "kubeflow.yml", path)
    load = (
        "import sys; from nni.experiment.config import ExperimentConfig;"
        "config = ExperimentConfig.load(sys.argv[1]); config.validate(); print(config.json())"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", load, str(path)],
        env=nnictl.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert str(tmp_path / "runs/digits") in outcome.stdout
