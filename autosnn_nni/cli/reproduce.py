"""``autosnn reproduce``: run recipes and show their tables."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autosnn_nni.cli.tables import say
from autosnn_nni.numbers import DASH
from autosnn_nni.reproduce.recipes import load_recipe, recipe_names
from autosnn_nni.reproduce.records import Record
from autosnn_nni.reproduce.run import Reproduction, reproduce
from autosnn_nni.runs.machine import Machine


def reproduce_all(names: Sequence[str], scale: str, output: Path, machine: Machine) -> None:
    """Run recipes one after another; all are read before the first one runs."""
    wanted = recipe_names() if list(names) == ["all"] else names
    recipes = [load_recipe(name, scale) for name in wanted]
    for recipe in recipes:
        say(recipe.title)
        _show_table(reproduce(recipe, output / scale, machine, _show_record))


def _show_record(record: Record) -> None:
    say(
        f"  {record['row']}, seed {record['seed']}: {100 * record['accuracy']:.2f} %, "
        f"{record['spikes']:,.0f} spikes"
    )


def _show_table(done: Reproduction) -> None:
    table = Table("row", "networks")
    for column in ("accuracy (%)", "paper", "spikes per image", "paper"):
        table.add_column(column, justify="right")
    for row in done.rows.to_dict("records"):
        table.add_row(
            row["row"],
            str(row["networks"]),
            _number(100 * row["accuracy"], ".2f") + _spread(100 * row["accuracy_std"], ".2f"),
            _number(100 * row["paper_accuracy"], ".2f"),
            _number(row["spikes"], ",.0f") + _spread(row["spikes_std"], ",.0f"),
            _number(row["paper_spikes"], ",.0f"),
        )
    Console().print(table)
    say(f"{done.csv}, {done.figure}")


def _number(value: float, form: str) -> str:
    return DASH if math.isnan(value) else format(value, form)


def _spread(value: float, form: str) -> str:
    return "" if math.isnan(value) else f" \N{PLUS-MINUS SIGN} {format(value, form)}"
