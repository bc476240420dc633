"""A run's folder, which holds its whole state: settings, progress and results."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from autosnn_nni.errors import UserError
from autosnn_nni.files import clear_temporaries
from autosnn_nni.runs.run_files import RunFiles
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
    files = RunFiles(path)
    if not files.settings_file.exists():
        settings = Settings(**given)
        files.write_settings(settings.to_json())
        return RunDirectory(path, settings)
    old = _read_settings(files)
    settings = replace(old, **given)
    changed = list(settings.differences(old))
    if changed:
        _move_outputs(files, changed)
        files.write_settings(settings.to_json())
    return RunDirectory(path, settings)


def join_run(path: Path, given: dict[str, Any]) -> RunDirectory:
    """The run that another process opens with the same ``given``; does not write anything."""
    files = RunFiles(path)
    if not files.settings_file.exists():
        return RunDirectory(path, Settings(**given))
    return RunDirectory(path, replace(_read_settings(files), **given))


def load_run(path: Path) -> RunDirectory:
    """Load an existing run without changes; raises :class:`UserError` if there is none."""
    files = RunFiles(path)
    if not files.settings_file.exists():
        raise UserError(f"{path} is not a run of autosnn: it has no {files.settings_file.name}")
    return RunDirectory(path, _read_settings(files))


def _read_settings(files: RunFiles) -> Settings:
    values = files.read_settings()
    try:
        return Settings.from_json(values)
    except UserError as error:
        raise UserError(f"{files.settings_file}: {error}") from error


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock the run's folder against other processes; the lock of a killed process is released.

    Raises :class:`UserError` if another process has the lock, unless ``wait`` is set, and if the
    folder has other contents or can't be written.
    """
    files = RunFiles(path)
    try:
        _check_free(files)
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(files.lock)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise UserError(f"another autosnn process is using {path}; wait until it is done") from None
    except OSError as error:
        raise UserError(
            f"cannot write in {path} ({error.strerror}); choose another --output"
        ) from None
    try:
        clear_temporaries(path)
        yield
    finally:
        lock.release()


def _check_free(files: RunFiles) -> None:
    path = files.path
    if files.settings_file.exists() or not path.is_dir():
        return
    if any(not one.name.startswith(".") for one in path.iterdir()):
        raise UserError(f"{path} is not empty and not a run of autosnn; choose another --output")


def _move_outputs(files: RunFiles, changed: list[tuple[str, str]]) -> None:
    """Move the outputs of the first changed stage and of later stages to ``previous/``."""
    first = min(STAGES.index(stage) for stage, _ in changed)
    repeated = STAGES[first:]
    if (first == 0 and files.supernet.exists()) or _in_progress(files, repeated):
        differs = "; ".join(difference for _, difference in changed)
        raise UserError(
            f"{files.path} has other settings: {differs}; use the same ones or another --output"
        )
    outputs = [output for stage in repeated for output in files.outputs(stage) if output.exists()]
    if not outputs:
        return
    previous = files.next_previous()
    previous.write_settings(files.read_settings())
    for output in outputs:
        output.rename(previous.path / output.name)


def _in_progress(files: RunFiles, stages: tuple[str, ...]) -> bool:
    """Whether one of ``stages`` has started but not finished."""
    searching = files.search_state.exists() and not files.best.exists()
    retraining = any(one.retrained.exists() and not one.result.exists() for one in files.networks())
    return ("search" in stages and searching) or retraining
