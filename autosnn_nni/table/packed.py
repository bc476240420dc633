"""A table as two files: the measurements (``.csv.gz``) and what they are (``.json``)."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.files import checksum, write_whole
from autosnn_nni.formats import read_stamped, write_stamped
from autosnn_nni.registry import hint
from autosnn_nni.table.plan import Plan
from autosnn_nni.table.rows import KEY, parse

#: The tables that come with the package.
FOLDER = Path(__file__).parent / "data"


def pack(
    name: str,
    plan: Plan,
    rows: pd.DataFrame,
    path: Path,
    *,
    machines: Sequence[Mapping[str, str]] = (),
) -> None:
    """Write ``path`` (``.json``) and the measurements beside it.

    ``machines`` are what they were made on. Raises :class:`UserError` for another ending.
    """
    if path.suffix != ".json":
        raise UserError(f"a table is written to a .json file, not to {path}")
    text = rows.sort_values(list(KEY)).to_csv(index=False)
    packed = gzip.compress(text.encode(), mtime=0)
    write_whole(_measurements(path), packed)
    about = {"table": name, "sha256": checksum(packed), "machines": list(machines)}
    write_stamped(path, {**about, **plan.to_json()})


def unpack(source: str | Path) -> tuple[Plan, pd.DataFrame]:
    """The plan and the measurements of a table of the package by its name, or of a JSON file.

    Raises :class:`UserError` if there is none, or if it is damaged.
    """
    is_path = isinstance(source, Path) or source.endswith(".json")
    path = Path(source) if is_path else _path_of(str(source))
    about = read_stamped(path)
    measurements = _measurements(path)
    try:
        plan = Plan.from_json(about)
        packed = measurements.read_bytes()
        expected = about["sha256"]
    except (OSError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no table ({error!r}); restore it") from error
    if checksum(packed) != expected:
        raise UserError(f"{measurements} is damaged; restore it")
    return plan, parse(gzip.decompress(packed), measurements)


def names() -> list[str]:
    """The names of the tables that come with the package."""
    return [read_stamped(path)["table"] for path in sorted(FOLDER.glob("*.json"))]


def _path_of(name: str) -> Path:
    known = names()
    if name not in known:
        others = hint(name, known) if known else "give a table's JSON file"
        raise UserError(f"unknown table {name!r}; {others}")
    return FOLDER / f"{name.replace('/', '_')}.json"


def _measurements(path: Path) -> Path:
    return path.with_suffix(".csv.gz")
