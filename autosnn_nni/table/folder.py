"""The folder in which a table is made."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.formats import read_stamped, write_stamped
from autosnn_nni.table.packed import pack
from autosnn_nni.table.plan import Plan
from autosnn_nni.table.rows import TRAINING, Row, append, read, tidy


@dataclass(frozen=True)
class Folder:
    """The plan of the folder ``path`` is in ``table.json``, the measurements in ``rows.csv``.

    ``machines.json`` lists what they were made on (:func:`surroundings`).
    """

    path: Path

    @property
    def rows(self) -> Path:
        """The measurements."""
        return self.path / "rows.csv"

    @property
    def about(self) -> Path:
        """The name of the table, and its plan."""
        return self.path / "table.json"

    @property
    def machines(self) -> list[dict[str, str]]:
        """What the measurements were made on: each kind of machine once."""
        return read_stamped(self._machines)["machines"] if self._machines.exists() else []

    @property
    def _machines(self) -> Path:
        return self.path / "machines.json"

    def open(self, name: str, plan: Plan) -> None:
        """Write the plan; raises :class:`UserError` if the folder has another one."""
        if not self.about.exists():
            write_stamped(self.about, {"table": name, **plan.to_json()})
        elif self.read_about() != (name, plan):
            raise UserError(f"{self.path} is another table than {name}; choose another --output")

    def continue_rows(self, plan: Plan) -> None:
        """Drop what a crash has left of a training. Only for who holds the folder's lock."""
        tidy(self.rows, plan.epochs[-1])

    def add(self, rows: Iterable[Row], machine: dict[str, str]) -> None:
        """Add the ``rows`` of a training, and the ``machine`` it was made on."""
        self.add_machines([machine])
        append(self.rows, rows)

    def add_machines(self, machines: Iterable[dict[str, str]]) -> None:
        """Add those that are not yet in the list."""
        listed = self.machines
        known = len(listed)
        for one in machines:
            if one not in listed:
                listed.append(one)
        if len(listed) > known:
            write_stamped(self._machines, {"machines": listed})

    def read_about(self) -> tuple[str, Plan]:
        """The table's name and plan; raises :class:`UserError` if the folder has none."""
        content = read_stamped(self.about)
        try:
            return content["table"], Plan.from_json(content)
        except (KeyError, TypeError) as error:
            raise UserError(f"{self.about} is no table ({error!r}); restore it") from error


def merge(paths: Sequence[Path], output: Path) -> None:
    """Put the measurements of several folders of one table into a new folder ``output``.

    A training that is in several is taken from the first. Raises :class:`UserError` if they are of
    different tables, or if ``output`` has measurements already.
    """
    folders, merged = [Folder(path) for path in paths], Folder(output)
    name, plan = folders[0].read_about()
    for other in folders[1:]:
        if other.read_about() != (name, plan):
            raise UserError(f"{other.path} is another table than {folders[0].path}")
    if merged.rows.exists():
        raise UserError(f"{output} has measurements already; choose another --output")
    read_all = [read(folder.rows, plan.epochs[-1]) for folder in folders]
    rows = pd.concat(read_all, keys=range(len(folders)), names=["folder", None])
    rows = rows.reset_index("folder")
    first = rows.groupby(list(TRAINING))["folder"].transform("min")
    rows = rows[rows["folder"] == first].drop(columns="folder")
    merged.open(name, plan)
    merged.add_machines(itertools.chain.from_iterable(folder.machines for folder in folders))
    write_whole(merged.rows, rows.to_csv(index=False))


def pack_folder(path: Path, output: Path) -> None:
    """Write the table of a folder to ``output`` (JSON) and the measurements beside it."""
    folder = Folder(path)
    name, plan = folder.read_about()
    rows = read(folder.rows, plan.epochs[-1])
    pack(name, plan, rows, output, machines=folder.machines)
