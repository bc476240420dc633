"""``autosnn reproduce``: run recipes and show their tables."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from autosnn_nni.cli.console import console, say
from autosnn_nni.numbers import DASH
from autosnn_nni.reproduce.recipe_files import recipe_names
from autosnn_nni.reproduce.recipes import Recipe, load_recipe
from autosnn_nni.reproduce.records import Record
from autosnn_nni.reproduce.run import Reproduction, check_recipes, reproduce
from autosnn_nni.runs.machine import Machine

#: Scales at which everything is too small to stand beside the paper's numbers.
_NOT_COMPARED = ("smoke",)


def reproduce_all(names: Sequence[str], scale: str, output: Path, machine: Machine) -> None:
    """Run recipes one after another; all are checked before the first one runs."""
    wanted = recipe_names() if list(names) == ["all"] else names
    recipes = [load_recipe(name, scale) for name in wanted]
    check_recipes(recipes, output / scale, machine)
    for recipe in recipes:
        say(recipe.title)
        say(_conditions(recipe, scale))
        done = reproduce(recipe, output / scale, machine, _show_record)
        show_table(done, compared=scale not in _NOT_COMPARED)


def _conditions(recipe: Recipe, scale: str) -> str:
    """Scale, data sets, C and T, which decide whether numbers can be compared with the paper's."""
    names = {"": "dataset", "C = ": "channels", "T = ": "timesteps"}
    values = {
        sign: ", ".join(dict.fromkeys(str(row.settings[name]) for row in recipe.rows))
        for sign, name in names.items()
    }
    return f"Scale {scale}: {'; '.join(f'{sign}{found}' for sign, found in values.items())}"


def _show_record(record: Record) -> None:
    say(
        f"  {record['row']}, seed {record['seed']}: {100 * record['accuracy']:.2f} %, "
        f"{record['spikes']:,.0f} spikes"
    )


def show_table(done: Reproduction, *, compared: bool) -> None:
    """Print the rows, with the paper's numbers beside them if they can be ``compared``."""
    table = Table("row", "networks")
    for column in ("accuracy (%)", "spikes per image"):
        table.add_column(column, justify="right")
        if compared:
            table.add_column("paper", justify="right")
    for row in done.rows.to_dict("records"):
        cells = [
            _number(100 * row["accuracy"], ".2f") + _spread(100 * row["accuracy_std"], ".2f"),
            _number(100 * row["paper_accuracy"], ".2f"),
            _number(row["spikes"], ",.0f") + _spread(row["spikes_std"], ",.0f"),
            _number(row["paper_spikes"], ",.0f"),
        ]
        table.add_row(row["row"], str(row["networks"]), *(cells if compared else cells[::2]))
    console().print(table)
    say(f"{done.csv}, {done.figure}")


def _number(value: float, form: str) -> str:
    return DASH if math.isnan(value) else format(value, form)


def _spread(value: float, form: str) -> str:
    return "" if math.isnan(value) else f" \N{PLUS-MINUS SIGN} {format(value, form)}"
