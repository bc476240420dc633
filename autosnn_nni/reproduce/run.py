"""Running a recipe and writing its tables and figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autosnn_nni.files import write_whole
from autosnn_nni.report.drawing import png
from autosnn_nni.reproduce.figures import FIGURES
from autosnn_nni.reproduce.laboratory import Laboratory
from autosnn_nni.reproduce.recipes import Recipe
from autosnn_nni.reproduce.records import Record, check, measure
from autosnn_nni.reproduce.results import networks_table, rows_table
from autosnn_nni.runs.machine import Machine


@dataclass(frozen=True)
class Reproduction:
    """The results of a recipe: its rows with the paper's numbers, and the files."""

    recipe: Recipe
    rows: pd.DataFrame
    csv: Path
    figure: Path


def check_recipes(recipes: Sequence[Recipe], folder: Path, machine: Machine) -> None:
    """Raise :class:`UserError` if one of ``recipes`` can't be run; does not write anything."""
    laboratory = Laboratory(folder, machine)
    for recipe in recipes:
        FIGURES[recipe.figure]
        for row in recipe.rows:
            check(row, laboratory)


def reproduce(
    recipe: Recipe,
    folder: Path,
    machine: Machine,
    on_record: Callable[[Record], object] = lambda record: None,
) -> Reproduction:
    """Run what is not done yet in ``folder``; writes tables after every network, then the figure.

    ``on_record`` is called with the record of every trained network.
    """
    laboratory = Laboratory(folder, machine)
    draw = FIGURES[recipe.figure]
    csv, figure = (folder / f"{recipe.name}.{suffix}" for suffix in ("csv", "png"))
    records: list[Record] = []
    for row in recipe.rows:
        for record in measure(row, laboratory):
            records.append(record)
            on_record(record)
            _write_tables(recipe, records, csv)
    write_whole(figure, png(draw(recipe, records)))
    return Reproduction(recipe, rows_table(recipe, records), csv, figure)


def _write_tables(recipe: Recipe, records: list[Record], csv: Path) -> None:
    networks = csv.with_stem(f"{csv.stem}_networks")
    write_whole(networks, networks_table(records).to_csv(index=False))
    write_whole(csv, rows_table(recipe, records).to_csv(index=False))
