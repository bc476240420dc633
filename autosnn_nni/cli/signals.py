"""Signals that end a command: Ctrl-C, SIGTERM and, when its terminal is closed, SIGHUP.

They raise :class:`Stopped` where the command is, so that it cleans up as after an error. The signal
is sent again until the command does, because libraries and callbacks of Python's own may drop the
exception. A command that is in a long call of a library is ended a little later; one that is
importing a library, at once: torch aborts the process at an exception there.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from autosnn_nni.files import remove_temporaries
from autosnn_nni.plugins import is_plugin
from autosnn_nni.run_log import LOG

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds that a command has to clean up, and its processes after that.
_GRACE, _GRACE_OF_PROCESSES = 6.0, 2.0
#: Seconds until a signal is sent again.
_PAUSE = 0.1


class Stopped(KeyboardInterrupt):
    """A signal asks the command to end."""


class Stop:
    """The signal that has stopped a command; its ``number`` is ``None`` before that."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.over = False
        #: Set if nothing more is to be waited for.
        self.at_once = threading.Event()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Stop at the first signal, and at later ones that don't disturb the clean-up."""
        if self.over or _is_cleaning_up():
            return
        self.number = self.number or number
        if not _is_importing(frame):
            raise Stopped
        self.at_once.set()


def _is_cleaning_up() -> bool:
    """Whether a :class:`Stopped` is being handled."""
    error = sys.exception()
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported; a plugin's own code counts as the command's."""
    while frame is not None and not is_plugin(frame.f_globals.get("__name__")):
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


@contextmanager
def stoppable(message: str, *, always: bool = False) -> Iterator[Stop]:
    """Context manager that ends the program after a signal, with ``message`` on standard error.

    The exit code is that of a shell: 128 and the signal's number. A signal that is ignored from
    outside, as by ``nohup``, is not handled unless ``always`` is set. Processes that were started
    meanwhile are ended, and temporary files deleted.
    """
    stop, others = Stop(), _children()

    def end() -> None:
        LOG.warning("stopped")  # unless the run's log was closed, which then says so already
        _end_processes(others)
        remove_temporaries()
        with suppress(OSError, ValueError):  # the terminal may be closed
            sys.stderr.write(message)
            sys.stderr.flush()

    with _handled(stop, always), _watched(stop, end), _unprinted():
        try:
            yield stop
        except BaseException:
            stop.over = True  # while the exception is still handled
            if stop.number is None:
                raise
        finally:
            stop.over = True
        if stop.number is not None:
            end()
    if stop.number is not None:
        sys.exit(128 + stop.number)


@contextmanager
def _handled(stop: Stop, always: bool) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if always or number == signal.SIGTERM or handler != signal.SIG_IGN:
            signal.signal(number, stop.handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _watched(stop: Stop, end: Callable[[], None]) -> Iterator[None]:
    """Repeat a signal, and exit some seconds after it, or ``at_once``; ``end`` is called before.

    Python runs handlers only between its own instructions, but tells a file of a signal at once.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    over = threading.Event()

    def watch() -> None:
        number = os.read(reader, 1)[0]
        while number and number not in _SIGNALS:
            number = os.read(reader, 1)[0]
        if number:
            until = time.monotonic() + _GRACE
            while time.monotonic() < until and not stop.at_once.wait(_PAUSE):
                os.kill(os.getpid(), number)
            if not over.is_set():
                end()
                os._exit(128 + number)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        over.set()
        stop.at_once.set()
        signal.set_wakeup_fd(before)
        with suppress(BlockingIOError):
            os.write(writer, b"\0")
        thread.join()
        os.close(reader)
        os.close(writer)


@contextmanager
def _unprinted() -> Iterator[None]:
    """Let Python not print a :class:`Stopped` that was raised in a callback, which drops it."""
    before = sys.unraisablehook

    def hook(lost: Any) -> None:
        if not issubclass(lost.exc_type, Stopped):
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _children() -> set[int]:
    """The processes that this one has started; without psutil, which takes a while to import."""
    children: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread may have ended
            children.update(map(int, file.read_text().split()))
    return children


def _end_processes(others: set[int]) -> None:
    """End all processes but those below ``others``: they clean up, or are killed."""
    import psutil

    left = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.pid not in others and not _ends_by_itself(child):
                left += [child, *child.children(recursive=True)]
    for act in ("terminate", "kill"):
        for one in left:
            with suppress(psutil.Error):
                getattr(one, act)()
        _, left = psutil.wait_procs(left, timeout=_GRACE_OF_PROCESSES)


def _ends_by_itself(process: Any) -> bool:
    """Whether it is Python's tracker of shared memory, which tidies up after this process."""
    return any("multiprocessing.resource_tracker" in part for part in process.cmdline())
