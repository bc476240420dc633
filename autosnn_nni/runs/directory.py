"""A run's folder, which holds its whole state: settings, progress and results."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from autosnn_nni.errors import UserError
from autosnn_nni.files import clear_temporaries, write_whole
from autosnn_nni.runs.kept_plugins import as_recorded, find_plugins, keep_plugins
from autosnn_nni.runs.run_files import RunFiles, not_a_run
from autosnn_nni.runs.settings import STAGES, Settings


@dataclass(frozen=True)
class RunDirectory(RunFiles):
    """The folder ``path`` of a run with ``settings``."""

    settings: Settings


def open_run(path: Path, given: dict[str, Any]) -> RunDirectory:
    """Open the run in ``path``, new or resumed; ``given`` are the settings the user has set.

    Settings not given are the run's own, or the defaults. If settings of a finished stage change,
    this stage and those after it are repeated, and their old output is moved to ``previous/``.
    Raises :class:`UserError` if settings of a stage that can't be repeated change.
    """
    run = plan_run(path, given)
    stages = repeated(run)
    if stages:
        _move_outputs(run, stages)
    if stages or not run.settings_file.exists():
        run.write_settings(run.settings.to_json())
    keep_plugins(run, run.settings)
    return run


def plan_run(path: Path, given: dict[str, Any]) -> RunDirectory:
    """The run that :func:`open_run` opens with the same arguments; does not write anything.

    Raises :class:`UserError` for everything that keeps it from being opened, except for a process
    that uses it.
    """
    files = RunFiles(path)
    check_writable(path)
    _check_free(files)
    if not files.settings_file.exists():
        return RunDirectory(path, Settings(**given))
    given = as_recorded(files, given)
    run = RunDirectory(path, replace(_read_settings(files), **given))
    _check_repeatable(run)
    return run


def repeated(run: RunDirectory) -> tuple[str, ...]:
    """The stages to be repeated because the run's folder still has other settings for them.

    ``seeds`` among them only means that another number of seeds is to be trained.
    """
    if not run.settings_file.exists():
        return ()
    changed = [STAGES.index(stage) for stage, _ in run.settings.differences(_read_settings(run))]
    return STAGES[min(changed) :] if changed else ()


def load_run(path: Path) -> RunDirectory:
    """Load an existing run without changes; raises :class:`UserError` if there is none."""
    files = RunFiles(path)
    if not files.settings_file.exists():
        raise not_a_run(files)
    return RunDirectory(path, _read_settings(files))


def _read_settings(files: RunFiles) -> Settings:
    values = files.read_settings()
    find_plugins(files, values)
    try:
        return Settings.from_json(values)
    except UserError as error:
        raise UserError(f"{files.settings_file}: {error}") from error


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock the run's folder against other processes; see :func:`alone_in`.

    Raises :class:`UserError` as it does, and if the folder has other contents.
    """
    with alone_in(path, wait=wait, check=_check_free):
        yield


@contextmanager
def alone_in(
    path: Path, *, wait: bool = False, check: Callable[[RunFiles], object] = lambda files: None
) -> Iterator[None]:
    """Lock a folder against other processes; the lock of a killed process is released.

    Raises :class:`UserError` if another process has the lock, unless ``wait`` is set, and if the
    folder can't be written or does not pass the ``check``.
    """
    files = RunFiles(path)
    try:
        check_writable(path)
        check(files)
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(files.lock)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise _in_use(path) from None
    except OSError as error:
        raise _not_writable(path, error.strerror) from None
    try:
        clear_temporaries(path)
        yield
    finally:
        lock.release()


def check_unused(path: Path) -> None:
    """Raise :class:`UserError` if another process has the lock of the run in ``path``."""
    if is_used(path):
        raise _in_use(path)


def is_used(path: Path) -> bool:
    """Whether another process has the lock of the run in ``path``."""
    lock = RunFiles(path).lock
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError), lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as FileLock does; closing releases
        except BlockingIOError:
            return True
    return False


def _in_use(path: Path) -> UserError:
    return UserError(f"another autosnn process is using {path}; wait until it is done")


def _check_free(files: RunFiles) -> None:
    path = files.path
    if files.settings_file.exists() or not path.is_dir():
        return
    if any(not one.name.startswith(".") for one in path.iterdir()):
        raise UserError(f"{path} is not empty and not a run of autosnn; choose another --output")


def check_writable(path: Path) -> None:
    """Raise :class:`UserError` unless the folder ``path`` can be written, or made."""
    _check_no_dangling_link(path)
    try:
        nearest = next(place for place in (path, *path.parents) if place.exists())
    except OSError as error:
        raise _not_writable(path, error.strerror) from None
    if not nearest.is_dir():
        raise _not_writable(path, "File exists" if nearest == path else "Not a directory")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise _not_writable(path, "Permission denied")


def _check_no_dangling_link(path: Path) -> None:
    for place in (path, *path.parents):
        if place.is_symlink() and not place.exists():
            raise UserError(
                f"{place} is a link to {place.readlink()}, which does not exist; remove it or "
                "choose another --output"
            )


def _not_writable(path: Path, reason: str | None) -> UserError:
    return UserError(f"cannot write in {path} ({reason}); choose another --output")


def _check_repeatable(run: RunDirectory) -> None:
    """Refuse other settings for a supernet, and for a stage that has started but not finished."""
    stages = repeated(run)
    if ("supernet" in stages and run.supernet.exists()) or _in_progress(run, stages):
        differences = run.settings.differences(_read_settings(run))
        raise UserError(
            f"{run.path} has other settings: {'; '.join(text for _, text in differences)}; "
            "use the same ones or another --output"
        )


def _move_outputs(files: RunFiles, stages: tuple[str, ...]) -> None:
    """Move the outputs of ``stages`` to ``previous/``."""
    outputs = [output for stage in stages for output in files.outputs(stage) if output.exists()]
    if not outputs:
        return
    previous = files.next_previous()
    write_whole(previous.settings_file, files.settings_file.read_bytes())
    for output in outputs:
        output.rename(previous.path / output.name)


def _in_progress(files: RunFiles, stages: tuple[str, ...]) -> bool:
    """Whether one of ``stages`` has started but not finished."""
    searching = files.search_state.exists() and not files.searched()
    retraining = any(one.retrained.exists() and not one.result.exists() for one in files.networks())
    return ("search" in stages and searching) or ("retrain" in stages and retraining)
