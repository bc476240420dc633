"""A run's folder is its state: what was asked for, how far it is, and what came out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from autosnn_nni.errors import UserError
from autosnn_nni.files import clear_temporaries, read_json, write_json
from autosnn_nni.settings import STAGES, Settings

#: What each stage writes; a stage done anew moves these away, in this order.
_OUTPUTS = {
    "supernet": ("supernet.ckpt", "supernet.csv"),
    "search": ("search.json", "candidates.csv"),
    "choice": ("best.json", "front.csv"),
    "retrain": (
        "retrained.ckpt",
        "retrained.csv",
        "result.json",
        "layers.csv",
        "comparison.csv",
        "baselines",
        "report.html",
        "figures",
    ),
}


@dataclass(frozen=True)
class RunDirectory:
    """The folder ``path`` of a run with ``settings``; see the design for its files."""

    path: Path
    settings: Settings

    @property
    def supernet(self) -> Path:
        """The supernet's checkpoint."""
        return self.path / "supernet.ckpt"

    @property
    def search_state(self) -> Path:
        """Every evaluated architecture: all a search needs to go on."""
        return self.path / "search.json"

    @property
    def candidates(self) -> Path:
        """The same as a table."""
        return self.path / "candidates.csv"

    @property
    def best(self) -> Path:
        """The best architecture of a search that is done."""
        return self.path / "best.json"

    @property
    def retrained(self) -> Path:
        """The retrained winner's checkpoint."""
        return self.path / "retrained.ckpt"

    @property
    def result(self) -> Path:
        """The retrained winner's test results."""
        return self.path / "result.json"

    def baseline(self, block: str) -> Path:
        """The folder of the space filled with ``block`` throughout."""
        return self.path / "baselines" / block


def open_run(path: Path, given: dict[str, Any]) -> RunDirectory:
    """The run in ``path``, new or gone on with; ``given`` are the settings the user named.

    Settings not given are the run's own, or the defaults. A finished stage whose settings change
    is done anew, and the stages after it; what they had written is kept in ``previous/``. Raises
    :class:`UserError` when a stage that can't be done anew has other settings.
    """
    recorded = path / "settings.json"
    if not recorded.exists():
        settings = Settings(**given)
        write_json(recorded, settings.to_json())
        return RunDirectory(path, settings)
    old = _read_settings(path)
    settings = replace(old, **given)
    changed = list(settings.differences(old))
    if changed:
        _make_room(path, changed)
        write_json(recorded, settings.to_json())
    return RunDirectory(path, settings)


def join_run(path: Path, given: dict[str, Any]) -> RunDirectory:
    """The run that another process opens with the same ``given``; nothing is written."""
    if not (path / "settings.json").exists():
        return RunDirectory(path, Settings(**given))
    return RunDirectory(path, replace(_read_settings(path), **given))


def load_run(path: Path) -> RunDirectory:
    """An existing run, unchanged; raises :class:`UserError` if there is none."""
    if not (path / "settings.json").exists():
        raise UserError(f"{path} is not a run of autosnn: it has no settings.json")
    return RunDirectory(path, _read_settings(path))


def _read_settings(path: Path) -> Settings:
    recorded = path / "settings.json"
    values = read_json(recorded)
    try:
        return Settings.from_json(values)
    except UserError as error:
        raise UserError(f"{recorded}: {error}") from error


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the run's folder against a second process; a killed one holds it no longer.

    Raises :class:`UserError` where that can't be done, unless it shall ``wait`` for the other
    process, or for a folder that holds something else.
    """
    try:
        _check_free(path)
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / ".lock")
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


def _check_free(path: Path) -> None:
    if (path / "settings.json").exists() or not path.is_dir():
        return
    if any(not one.name.startswith(".") for one in path.iterdir()):
        raise UserError(f"{path} is not empty and not a run of autosnn; name another --output")


def _make_room(path: Path, changed: list[tuple[str, str]]) -> None:
    """Move the outputs of the first changed stage and of those after it out of the way."""
    first = min(STAGES.index(stage) for stage, _ in changed)
    again = STAGES[first:]
    if (first == 0 and (path / "supernet.ckpt").exists()) or _under_way(path, again):
        differs = "; ".join(difference for _, difference in changed)
        raise UserError(f"{path} has other settings: {differs}; use its own or another --output")
    outputs = [path / name for stage in again for name in _OUTPUTS[stage]]
    outputs = [output for output in outputs if output.exists()]
    if not outputs:
        return
    shelf = path / "previous" / str(1 + len(list((path / "previous").glob("*"))))
    write_json(shelf / "settings.json", read_json(path / "settings.json"))
    for output in outputs:
        output.rename(shelf / output.name)


def _under_way(path: Path, stages: tuple[str, ...]) -> bool:
    """Whether one of ``stages`` has begun but is not done."""
    searching = (path / "search.json").exists() and not (path / "best.json").exists()
    trained = [path / "retrained.ckpt", *path.glob("baselines/*/retrained.ckpt")]
    retraining = any(one.exists() and not one.with_name("result.json").exists() for one in trained)
    return ("search" in stages and searching) or retraining
