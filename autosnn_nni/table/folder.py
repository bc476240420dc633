"""The folder in which a table is made."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.formats import read_stamped, without_stamp, write_stamped
from autosnn_nni.table.packed import pack
from autosnn_nni.table.plan import Plan
from autosnn_nni.table.rows import KEY, read


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
        own = {"table": name, **plan.to_json()}
        if not self.about.exists():
            write_stamped(self.about, own)
        elif self.read_about() != own:
            raise UserError(f"{self.path} is another table than {name}; choose another --output")

    def add_machines(self, machines: Iterable[dict[str, str]]) -> None:
        """Add those that are not yet in the list."""
        known = self.machines
        for one in machines:
            if one not in known:
                known.append(one)
        write_stamped(self._machines, {"machines": known})

    def read_about(self) -> dict[str, Any]:
        """What :meth:`open` has written; raises :class:`UserError` if there is nothing."""
        return without_stamp(read_stamped(self.about))


def merge(paths: Sequence[Path], output: Path) -> None:
    """Put the measurements of several folders of one table into a new folder ``output``.

    Raises :class:`UserError` if they are of different tables, or if ``output`` has some already.
    """
    folders, merged = [Folder(path) for path in paths], Folder(output)
    about = folders[0].read_about()
    for other in folders[1:]:
        if other.read_about() != about:
            raise UserError(f"{other.path} is another table than {folders[0].path}")
    if merged.rows.exists():
        raise UserError(f"{output} has measurements already; choose another --output")
    rows = pd.concat([read(folder.rows) for folder in folders])
    write_stamped(merged.about, about)
    merged.add_machines(itertools.chain.from_iterable(folder.machines for folder in folders))
    write_whole(merged.rows, rows.drop_duplicates(list(KEY)).to_csv(index=False))


def pack_folder(path: Path, output: Path) -> None:
    """Write the table of a folder to ``output`` (JSON) and the measurements beside it."""
    folder = Folder(path)
    about = folder.read_about()
    rows = read(folder.rows)
    pack(about["table"], Plan.from_json(about), rows, output, machines=folder.machines)
