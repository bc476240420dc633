"""When each generation of a run's search was scored.

The times have a file of their own: the search's state is the same in every run of the same seed.
"""

import math
from collections.abc import Mapping
from csv import DictReader
from datetime import UTC, datetime

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.runs.run_files import RunFiles

#: Start and end by generation, in seconds since 1970.
Times = Mapping[int, tuple[float, float]]


def write_times(files: RunFiles, times: Times) -> None:
    """Write the table, with times in UTC."""
    rows = [(generation, *map(_as_text, span)) for generation, span in times.items()]
    table = pd.DataFrame(rows, columns=["generation", "start", "end"])
    write_whole(files.generations, table.to_csv(index=False))


def read_times(files: RunFiles) -> dict[int, tuple[float, float]]:
    """Read the table; a search of an earlier version has none, and its times are not known."""
    if not files.generations.exists():
        return {}
    try:
        with files.generations.open() as table:
            return {
                int(row["generation"]): (_as_seconds(row["start"]), _as_seconds(row["end"]))
                for row in DictReader(table)
            }
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{files.generations} is broken; delete it, only times are lost") from None


def seconds_of(times: Times) -> float:
    """The time that all generations took together; NaN if it is not known."""
    return sum(end - start for start, end in times.values()) if times else math.nan


def _as_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _as_seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
