"""Signals end every command soon, with one line, a shell's exit code, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from autosnn_nni.cli.signals import Stopped, stoppable
from autosnn_nni.files import remove_temporaries, write_whole_with
from tests.autosnn_nni.conftest import EXECUTABLE
from tests.autosnn_nni.test_pipeline import (
    BASELINES,
    assert_same,
    hidden,
    in_baseline,
    in_search,
    in_second_finalist,
    in_supernet,
)
from tests.ports import free_port

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
AGAIN = "autosnn: stopped; run the same command again to resume"


def in_report(run: Path) -> bool:
    return all((run / name).exists() for name in ("result.json", *BASELINES))


def stop(process: Any, reached: Callable[[], bool], sign: int) -> Any:
    """The outcome of a command that a signal has stopped; it and its processes end soon."""
    while not reached():
        assert process.popen.poll() is None, process.wait()
        time.sleep(0.002)
    family = [process.popen, *psutil.Process(process.popen.pid).children(recursive=True)]
    began = time.monotonic()
    process.popen.send_signal(sign)
    outcome = process.wait()
    assert time.monotonic() - began < 10
    psutil.wait_procs([one for one in family if isinstance(one, psutil.Process)], timeout=5)
    assert not any(psutil.pid_exists(one.pid) for one in family)
    assert outcome.code == 128 + sign
    assert "Traceback" not in outcome.err
    return outcome


def changes(run: Path) -> Callable[[], bool]:
    """Whether a file of the run is newer than all are now."""

    def newest() -> int:
        written = [path for path in run.rglob("*") if not path.name.startswith(".")]
        return max((path.stat().st_mtime_ns for path in written if path.is_file()), default=0)

    before = newest()
    return lambda: newest() > before


@pytest.mark.long
@pytest.mark.parametrize(
    "signs",
    [
        (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGHUP),
        (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGHUP, signal.SIGINT),
    ],
    ids=["SIGINT first", "SIGTERM first"],
)
def test_a_search_stopped_in_every_stage_goes_on_as_if_nothing_had_been(
    signs: tuple[int, ...],
    tmp_path: Path,
    start: Autosnn,
    autosnn: Autosnn,
    long: Args,
    reference: tuple[Path, Any],
) -> None:
    run = tmp_path / "run"
    command = ("search", "--output", run, *long)
    stages = (in_supernet, in_search, in_second_finalist, in_baseline, in_report)
    for stage, sign in zip(stages, signs, strict=True):
        changed = changes(run)
        process = start(*command)
        outcome = stop(process, lambda: stage(run) and changed(), sign)  # noqa: B023
        assert outcome.err.splitlines()[-1] == AGAIN
        assert outcome.out == ""
        assert stage(run), "it went on after the signal"
        assert hidden(run) == []
    assert autosnn(*command).code == 0
    assert_same(run, reference[0])
    assert hidden(run) == []


@pytest.mark.long
def test_several_processes_end_together(tmp_path: Path, start: Autosnn, long: Args) -> None:
    run = tmp_path / "run"
    options = (*long, "--supernet-epochs", "500", "--batch-size", "4", "--device", "cpu")
    process = start("supernet", "--devices", "2", "--output", run, *options)
    outcome = stop(process, (run / "supernet.csv").exists, signal.SIGTERM)
    assert outcome.err.splitlines()[-1] == AGAIN
    assert hidden(run) == []


@pytest.mark.slow
def test_processes_of_torchrun_end_together(tmp_path: Path, start: Autosnn, long: Args) -> None:
    run = tmp_path / "run"
    there = ("--master-addr", "127.0.0.1", "--master-port", free_port(), "--no-python")
    options = (*long, "--supernet-epochs", "500", "--batch-size", "4", "--device", "cpu")
    command = (EXECUTABLE, "supernet", "--output", run, *options)
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node", 2, *there)
    process = start(*torchrun, *command, command=sys.executable)
    while not (run / "supernet.csv").exists():
        assert process.popen.poll() is None, process.wait()
        time.sleep(0.01)
    family = psutil.Process(process.popen.pid).children(recursive=True)
    began = time.monotonic()
    process.popen.terminate()
    outcome = process.wait()
    assert time.monotonic() - began < 15
    assert not any(one.is_running() for one in family)
    assert outcome.err.count(AGAIN) == 1
    assert hidden(run) == []


@pytest.mark.slow
def test_under_nohup_a_closed_terminal_is_survived(
    tmp_path: Path, start: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    command = ("supernet", "--output", run, *tiny, "--supernet-epochs", "8")
    process = start(EXECUTABLE, *command, command="nohup")
    assert process.stop_when((run / "supernet.csv").exists, signal.SIGHUP).code == 0


@pytest.mark.manager
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_view_ends_even_in_a_shells_background(
    sign: int, run: Path, tmp_path: Path, start: Autosnn
) -> None:
    """Where SIGINT is ignored on entry."""
    home = {"HOME": str(tmp_path), "NNI_CONFIG_DIR": str(tmp_path / "config")}
    ignoring = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)  # noqa: E731
    process = start("view", run, "--port", free_port(), env=home, preexec_fn=ignoring)
    assert process.popen.stdout.readline()
    outcome = stop(process, lambda: True, sign)
    assert (outcome.out, outcome.err) == ("", "autosnn: stopped\n")


def test_a_command_that_can_only_be_done_again_does_not_promise_to_go_on(
    autosnn: Autosnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "autosnn_nni.cli.commands.plugins.names", lambda *_: signal.raise_signal(signal.SIGTERM)
    )
    outcome = autosnn("list", "blocks")
    assert (outcome.code, outcome.err) == (143, "autosnn: stopped\n")


def test_the_handlers_are_those_of_before() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with pytest.raises(SystemExit), stoppable("over\n"):
        signal.raise_signal(signal.SIGHUP)
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_an_error_in_the_clean_up_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_, stoppable("stopped\n"):  # noqa: PT012
        try:
            signal.raise_signal(signal.SIGTERM)
        except Stopped:
            raise OSError("the terminal is closed") from None
    assert exit_.value.code == 143
    assert capfd.readouterr().err == "stopped\n"


def test_processes_from_before_are_left_alone() -> None:
    other = subprocess.Popen(["sleep", "60"])
    with pytest.raises(SystemExit), stoppable("stopped\n"):  # noqa: PT012
        own = subprocess.Popen(["sleep", "60"])
        signal.raise_signal(signal.SIGTERM)
    assert not psutil.pid_exists(own.pid)
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_file_that_is_being_written_leaves_nothing(tmp_path: Path) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text("half")
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit), stoppable("stopped\n"):
        write_whole_with(tmp_path / "whole", write)
    remove_temporaries()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_command_that_does_not_listen_is_ended_too(tmp_path: Path, start: Autosnn) -> None:
    """A plugin that drops the exception stands for a long call of a library."""
    plugin = tmp_path / "deaf.py"
    plugin.write_text(
        "import pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\n"
        "while True:\n"
        "    try:\n"
        "        time.sleep(60)\n"
        "    except BaseException:\n"
        "        pass\n"
    )
    process = start("list", "blocks", "--plugin", plugin)
    outcome = stop(process, (tmp_path / "ready").exists, signal.SIGTERM)
    assert outcome.err == "autosnn: stopped\n"


IMPORTS = """
from autosnn_nni.cli.signals import stoppable

with stoppable("stopped\\n"):
    import while_imported
"""
WHILE_IMPORTED = """
import signal, time
try:
    signal.raise_signal(signal.SIGHUP)
    time.sleep(60)
except BaseException:
    print("an exception, at which torch aborts the process")
"""


def test_a_signal_during_an_import_is_no_exception(
    tmp_path: Path, start: Callable[..., Any]
) -> None:
    (tmp_path / "while_imported.py").write_text(WHILE_IMPORTED)
    begin = time.monotonic()
    outcome = start("-c", IMPORTS, command=sys.executable, cwd=tmp_path).wait()
    assert (outcome.code, outcome.out, outcome.err) == (129, "", "stopped\n")
    assert time.monotonic() - begin < 6, "it has waited until it was ended in any case"


IN_A_CALLBACK = """
import signal, time, weakref
from autosnn_nni.cli.signals import stoppable

class Key:
    pass

with stoppable("stopped\\n"):
    key = Key()
    watch = weakref.ref(key, lambda _: signal.raise_signal(signal.SIGTERM))
    del key
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_signal_in_a_callback_is_not_lost(tmp_path: Path, start: Callable[..., Any]) -> None:
    """Python drops the exception there, and would print it."""
    begin = time.monotonic()
    outcome = start("-c", IN_A_CALLBACK, command=sys.executable, cwd=tmp_path).wait()
    assert (outcome.code, outcome.out, outcome.err) == (143, "", "stopped\n")
    assert time.monotonic() - begin < 6, "it has waited until it was ended in any case"
