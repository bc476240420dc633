"""NNI's manager in a process that shows a finished experiment."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import requests
from nni import silence_stdout
from nni.experiment import RunMode, launcher, rest
from nni.tools.nnictl.config_utils import Experiments

from autosnn_nni.manager.database import Profile
from autosnn_nni.manager.experiments import wait_until_up
from autosnn_nni.manager.guard import guarded

#: Seconds for the manager to stop its experiment.
_PATIENCE = 4.0


@contextmanager
def viewing(profile: Profile, port: int, listen: str) -> Iterator["Popen[bytes]"]:
    """Context manager with the manager's process, which serves its page at ``port`` of ``listen``.

    ``nni.experiment.Experiment.view`` does not notice when a manager ends. Raises
    :class:`RuntimeError` if the manager can't start.
    """
    silence_stdout()
    profile.logs.mkdir(exist_ok=True)
    config = profile.config
    arguments = launcher.NniManagerArgs("view", profile.id, config, port, False, False, None, None)
    with guarded(listen, config.search_space):
        manager = launcher._start_rest_server(arguments, RunMode.Detach)
    try:
        _wait(port, profile)
        _list(profile, port, manager.pid)
        rest.post(port, "/experiment", config.json())
        yield manager
    finally:
        _end(manager, profile)


def _wait(port: int, profile: Profile) -> None:
    try:
        wait_until_up(port)
    except requests.RequestException:
        raise RuntimeError(
            f"NNI's manager did not start; see {profile.logs} for the reason"
        ) from None


def _list(profile: Profile, port: int, pid: int) -> None:
    """Add the experiment to NNI's list, where the manager, nnictl and the web UI find it."""
    Experiments().add_experiment(
        profile.id,
        port,
        profile.start,
        profile.config.training_service.platform,
        profile.config.experiment_name,
        endTime=profile.end,
        pid=pid,
        logDir=profile.config.experiment_working_directory,
    )


def _end(manager: "Popen[bytes]", profile: Profile) -> None:
    """Stop the manager; after stopping the experiment it only waits for browsers to disconnect."""
    manager.terminate()
    end = time.monotonic() + _PATIENCE
    while manager.poll() is None and _status(profile) not in (None, "STOPPED"):
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    manager.kill()
    manager.wait()
    Experiments().update_experiment(profile.id, "status", "STOPPED")


def _status(profile: Profile) -> str | None:
    listed = Experiments().get_all_experiments().get(profile.id, {})
    status: str | None = listed.get("status")
    return status
