"""NNI's experiments on this machine: starting, finding and preparing them for a resume."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests
from nni.experiment import launcher, rest
from nni.tools.nnictl.config_utils import Experiments

from autosnn_nni.errors import UserError

#: Timeout in seconds for the start of a manager.
_START_TIMEOUT = 60.0

#: A trial without one of these events was interrupted.
_END_EVENTS = "'SUCCEEDED', 'FAILED', 'EARLY_STOPPED', 'USER_CANCELED', 'SYS_CANCELED'"


def wait_until_up(port: int, retry: int = 0, url_prefix: str | None = None) -> None:
    """Wait for the manager that this process has just started; replaces NNI's own check.

    NNI's check waits only three seconds, too few on a busy machine, and does not notice if the
    manager has ended.
    """
    end = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < end and _has_children():
        with suppress(requests.RequestException):
            rest.get(port, "/check-status", url_prefix)
            return
        time.sleep(0.05)
    rest.get(port, "/check-status", url_prefix)


def _has_children() -> bool:
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


@contextmanager
def patience() -> Iterator[None]:
    """Context manager in which NNI waits for its manager with :func:`wait_until_up`."""
    check = launcher._check_rest_server
    launcher._check_rest_server = wait_until_up
    try:
        yield
    finally:
        launcher._check_rest_server = check


def check_new(identifier: str) -> None:
    """Raise :class:`UserError` if an experiment has this id: NNI would mix the two."""
    if _listed(identifier):
        raise UserError(f"experiment {identifier} exists; resume() it, or choose another id")


def check_stopped(identifier: str) -> None:
    """Raise :class:`UserError` if an experiment is running: NNI would start a second manager."""
    listed = _listed(identifier)
    if listed and _is_manager(listed["pid"], identifier):
        raise UserError(f"experiment {identifier} is still running; run nnictl stop {identifier}")


def stored_experiment(identifier: str) -> Path:
    """The folder of an experiment; raises :class:`UserError` if there is none to resume."""
    listed = _listed(identifier)
    if listed is None:
        raise UserError(f"NNI has no experiment {identifier}; see nnictl experiment list --all")
    folder = Path(listed["logDir"], identifier)
    if not (folder / "checkpoint" / "config.json").exists():
        raise UserError(f"experiment {identifier} was stopped before it started; create a new one")
    return folder


def forget_interrupted(folder: Path) -> None:
    """Delete the trials that were interrupted in an experiment's last session.

    NNI would run them again, although a resumed search submits them itself.
    """
    ended = f"select trialJobId from TrialJobEvent where event in ({_END_EVENTS})"
    with closing(sqlite3.connect(folder / "db" / "nni.sqlite")) as database, database:
        for table in ("MetricData", "TrialJobEvent"):
            database.execute(f"delete from {table} where trialJobId not in ({ended})")


def _listed(identifier: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = Experiments().get_all_experiments().get(identifier)
    return found


def _is_manager(pid: int | None, identifier: str) -> bool:
    """Whether the process is an experiment's manager; its pid may have been reused."""
    try:
        return pid is not None and identifier in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
