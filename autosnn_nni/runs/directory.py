"""A run's folder is its state: what was asked for, how far it is, and what came out."""

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
    """The run in ``path``, new or resumed; ``given`` are the settings the user named.

    Settings not given are the run's own, or the defaults. A finished stage whose settings change
    is repeated, and the stages after it; what they had written is kept in ``previous/``. Raises
    :class:`UserError` when a stage that can't be repeated has other settings.
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
        _make_room(files, changed)
        files.write_settings(settings.to_json())
    return RunDirectory(path, settings)


def join_run(path: Path, given: dict[str, Any]) -> RunDirectory:
    """The run that another process opens with the same ``given``; nothing is written."""
    files = RunFiles(path)
    if not files.settings_file.exists():
        return RunDirectory(path, Settings(**given))
    return RunDirectory(path, replace(_read_settings(files), **given))


def load_run(path: Path) -> RunDirectory:
    """An existing run, unchanged; raises :class:`UserError` if there is none."""
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
    """Hold the run's folder against a second process; a killed one holds it no longer.

    Raises :class:`UserError` where another process holds it, unless told to ``wait`` for that, and
    for a folder that holds something else or can't be written.
    """
    files = RunFiles(path)
    try:
        _check_free(files)
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(files.lock)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise UserError(f"another autosnn is at work in {path}; wait for it") from None
    except OSError as error:
        raise UserError(
            f"cannot write in {path} ({error.strerror}); name another --output"
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
        raise UserError(f"{path} is not empty and not a run of autosnn; name another --output")


def _make_room(files: RunFiles, changed: list[tuple[str, str]]) -> None:
    """Move the outputs of the first changed stage and of those after it out of the way."""
    first = min(STAGES.index(stage) for stage, _ in changed)
    again = STAGES[first:]
    if (first == 0 and files.supernet.exists()) or _under_way(files, again):
        differs = "; ".join(difference for _, difference in changed)
        raise UserError(
            f"{files.path} has other settings: {differs}; use its own or another --output"
        )
    outputs = [output for stage in again for output in files.outputs(stage) if output.exists()]
    if not outputs:
        return
    shelf = files.next_previous()
    shelf.write_settings(files.read_settings())
    for output in outputs:
        output.rename(shelf.path / output.name)


def _under_way(files: RunFiles, stages: tuple[str, ...]) -> bool:
    """Whether one of ``stages`` has begun but is not done."""
    searching = files.search_state.exists() and not files.best.exists()
    retraining = any(one.retrained.exists() and not one.result.exists() for one in files.networks())
    return ("search" in stages and searching) or retraining
