"""What is printed of searches and supernets on a table; ``autosnn table judge`` as a whole."""

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from rich.table import Table as Printed

from autosnn_nni.cli.console import console, say
from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.numbers import PLUS_MINUS
from autosnn_nni.plugins import load_plugins
from autosnn_nni.report.drawing import png
from autosnn_nni.runs.directory import check_writable
from autosnn_nni.strategies import Fitness
from autosnn_nni.table import Table
from autosnn_nni.table.folder import Folder
from autosnn_nni.table.judge import (
    BUDGETS,
    RunSearch,
    judge,
    means,
    own_searches,
    regret_of_all,
    summary,
)
from autosnn_nni.table.packed import names
from autosnn_nni.table.picture import regrets
from autosnn_nni.table.spikenas_bench import SpikeNASBench
from autosnn_nni.table.table import Tabular


def judge_all(
    name: str, seeds: int, lambda_: float, plugins: Sequence[Path], output: Path, *, rivals: bool
) -> None:
    """Judge all searches; raises :class:`UserError` for bad options before any work."""
    if seeds < 2:
        raise UserError(f"--seeds must be at least 2, for intervals, not {seeds}")
    check_writable(output)
    load_plugins(plugins)
    fitness = Fitness(lambda_)
    table = _table(name)
    searches = {**own_searches(table), **(_rivals() if rivals else {})}
    judged = judge(table, searches, fitness, seeds)
    found = summary(judged)
    of_all = regret_of_all(table, fitness)
    _show(found, f"{name}, {seeds} seeds, lambda {lambda_:g}", of_all)
    csv, picture = output / "judge.csv", output / "judge.png"
    write_whole(csv, judged.to_csv(index=False))
    write_whole(picture, png(regrets(found, of_all)))
    say(f"{csv}, {picture}")


def _table(name: str) -> Tabular:
    """A table by its name or its JSON file, or a copy of SpikeNAS-Bench by its folder."""
    path = Path(name)
    if Folder(path).about.exists():
        raise UserError(
            f"{path} is a folder of autosnn table make; pack it first: autosnn table pack {path} "
            f"--output {path}.json"
        )
    return SpikeNASBench(path) if path.is_dir() and name not in names() else Table(name)


def _rivals() -> Mapping[str, RunSearch]:
    missing = [name for name in ("optuna", "peewee") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"--rivals needs {' and '.join(missing)}; run pip install 'autosnn-nni[table]'"
        )
    from autosnn_nni.table.rivals import RIVALS

    return RIVALS


def _show(found: pd.DataFrame, title: str, of_all: float) -> None:
    caption = (
        "Regrets in points of fitness; means, 95 % intervals. "
        f"With all architectures evaluated: {100 * of_all:.2f}"
    )
    printed = Printed("search", title=title, caption=caption)
    printed.columns[0].no_wrap = True
    for budget in BUDGETS:
        printed.add_column(f"regret, {budget}", justify="right")
    printed.add_column("volume", justify="right")
    printed.add_column("front", justify="right")
    for name, rows in found.groupby("search", sort=False):
        at = dict(rows.set_index("evaluations").iterrows())
        last = at[BUDGETS[-1]]
        printed.add_row(
            str(name),
            *(_cell(at[budget], "regret") for budget in BUDGETS),
            f"{100 * last['hypervolume']:.1f} %",
            f"{100 * last['front']:.1f} %",
        )
    console().print(printed)


def show_table5(found: pd.DataFrame, architectures: int) -> None:
    """Print what searches find with a supernet and without one: means and 95 % intervals."""
    printed = Printed("found by", title=f"Of {architectures:,} architectures, trained from scratch")
    for column in ("rank", "regret of fitness"):
        printed.add_column(column, justify="right")
    for _, row in means(found, ("search",), ("rank", "regret")).iterrows():
        rank = _with_interval(row["rank"], row["rank_interval"], ",.0f")
        printed.add_row(row["search"], rank, _cell(row, "regret"))
    console().print(printed)


def _cell(row: "pd.Series[float]", measure: str) -> str:
    return _with_interval(100 * row[measure], 100 * row[f"{measure}_interval"], ".2f")


def _with_interval(mean: float, half: float, form: str) -> str:
    """A mean with half of its interval, if that is known."""
    known = "" if math.isnan(half) else f" {PLUS_MINUS} {half:{form}}"
    return f"{mean:{form}}{known}"
