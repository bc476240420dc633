"""The rows of a table in a CSV file to which trainings are added one by one."""

import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.search_spaces import from_text
from autosnn_nni.table.plan import Task

Row = Mapping[Any, Any]

TRAINING = ("blocks", "timesteps", "seed")
KEY = (*TRAINING, "epoch")
#: Of an image, summed over timesteps; accuracies are fractions. The test is at the last epoch only.
MEASURED = ("accuracy", "spikes", "neuron_spikes", "synops")
COLUMNS = (
    *KEY,
    "seconds",
    "score",
    *(f"{split}_{name}" for split in ("val", "test") for name in MEASURED),
    "parameters",
)


def append(path: Path, rows: Iterable[Row]) -> None:
    """Add ``rows`` to the file in one step, so that a killed process leaves whole lines.

    Raises :class:`UserError` if the disk is full or the folder can't be written.
    """
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    try:
        with path.open("ab") as file:
            file.write(table.to_csv(index=False, header=file.tell() == 0).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(
            f"cannot write {path} ({error.strerror}); free some space and run it again"
        ) from error


def read(path: Path, last_epoch: float) -> pd.DataFrame:
    """The rows of all trainings that have one of the ``last_epoch``.

    What a full disk or a crash has left of others is not among them. Raises :class:`UserError` for
    a file that is none of a table.
    """
    rows = pd.DataFrame(columns=list(COLUMNS))
    if path.exists():
        content = path.read_bytes()
        lines = content[: content.rfind(b"\n") + 1]
        rows = parse(lines, path) if lines else rows
    keys = rows.set_index(list(TRAINING)).index
    ended = keys[rows["epoch"] == last_epoch]
    return rows[keys.isin(ended)].reset_index(drop=True)


def tidy(path: Path, last_epoch: float) -> None:
    """Write the file again if it has more than :func:`read` gives: then rows can be added."""
    if path.exists():
        content = read(path, last_epoch).to_csv(index=False).encode()
        if content != path.read_bytes():
            write_whole(path, content)


def parse(content: bytes, path: Path) -> pd.DataFrame:
    """The rows in the ``content`` of the file ``path``; raises :class:`UserError` if it is none."""
    try:
        rows = pd.read_csv(io.BytesIO(content))
    except ValueError as error:
        raise UserError(f"{path} cannot be read ({error}); restore it") from error
    if tuple(rows.columns) != COLUMNS:
        raise UserError(f"{path} has other columns than a table; restore it")
    return rows


def tasks_of(rows: pd.DataFrame) -> list[Task]:
    """The training that each of the ``rows`` belongs to."""
    keys = rows[list(TRAINING)].itertuples(index=False)
    return [Task(from_text(blocks), timesteps, seed) for blocks, timesteps, seed in keys]
