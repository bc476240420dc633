"""Figures of recipes in the style of the paper, drawn only from a recipe's records.

A new kind of figure is a function that is added to ``FIGURES``.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter
from scipy.stats import kendalltau

from autosnn_nni.registry import Registry
from autosnn_nni.report import theme
from autosnn_nni.report.drawing import axis_titles, legend, panels_of
from autosnn_nni.reproduce.layerwise import layerwise
from autosnn_nni.reproduce.recipes import Recipe
from autosnn_nni.reproduce.records import Record
from autosnn_nni.reproduce.results import networks_table, rows_table

Draw = Callable[[Recipe, Sequence[Record]], Figure]
FIGURES: Registry[Draw] = Registry("figure")

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7f8c99")
_ACCURACY = "Test accuracy (%)"


def bubbles(recipe: Recipe, records: Sequence[Record]) -> Figure:
    """Accuracy against spikes, measured and the paper's; areas show model sizes (Figure 1).

    A row's mark is C, T or lambda_reg in the paper, even if it was different at this scale.
    """
    rows = rows_table(recipe, records).assign(mark=[row.mark for row in recipe.rows])
    panels = {"": "Measured", "paper_": "Paper"}
    drawn = {prefix: panels[prefix] for prefix in panels if rows[f"{prefix}spikes"].notna().any()}
    colours = _colours(rows["series"])
    figure, axes = panels_of(len(drawn), width=6.5 * len(drawn), height=5.4)
    for panel, (prefix, title) in zip(axes, drawn.items(), strict=True):
        for series, points in rows.groupby("series", sort=False):
            _bubbles(panel, points, prefix, colours[series], rows["parameters"].max())
        panel.set_title(title, loc="left", color=theme.INK)
        panel.margins(0.12)
        axis_titles(panel, theme.SPIKES, _ACCURACY)
        panel.xaxis.set_major_formatter(FuncFormatter(_thousands))
    _legend_of_series(figure, colours)
    return figure


def _bubbles(axes: Axes, points: pd.DataFrame, prefix: str, colour: str, largest: float) -> None:
    x, y = points[f"{prefix}spikes"], 100 * points[f"{prefix}accuracy"]
    if pd.to_numeric(points["mark"], errors="coerce").notna().all():
        axes.plot(x, y, color=colour, linewidth=1, alpha=0.5)
    area = 40 + 1200 * points["parameters"].fillna(0) / largest
    axes.scatter(x, y, s=area, color=colour, alpha=0.6, edgecolor="white")
    if not prefix:
        across, up = points["spikes_std"], 100 * points["accuracy_std"]
        axes.errorbar(x, y, up, across, fmt="none", ecolor=colour, elinewidth=0.8)
    for left, bottom, mark in zip(x, y, points["mark"], strict=True):
        if not math.isnan(left):
            axes.annotate(mark, (left, bottom), (7, 4), textcoords="offset points", size=8)


def _thousands(value: float, position: int) -> str:
    """Format spikes as the paper does."""
    return f"{value / 1000:,.6g}K" if value >= 1000 else f"{value:,.6g}"


def layers(recipe: Recipe, records: Sequence[Record]) -> Figure:
    """Spikes and firing rates by stage (Figures 2, 3 and 9); activations of ANNs."""
    table = layerwise(records)
    panels = {
        "spikes": theme.SPIKES,
        "firing_rate": theme.FIRING_RATE,
        "activation": "Average activation",
    }
    drawn = {name: title for name, title in panels.items() if table[name].notna().any()}
    figure, axes = panels_of(len(drawn), width=6.0 * len(drawn), height=4.6)
    colours = _colours(table["row"])
    order = list(dict.fromkeys(table.sort_values("place")["stage"]))
    for panel, (name, title) in zip(axes, drawn.items(), strict=True):
        for row, stages in table.dropna(subset=[name]).groupby("row", sort=False):
            places = [order.index(stage) for stage in stages["stage"]]
            panel.plot(places, stages[name], "o-", color=colours[row], linewidth=1.4)
        axis_titles(panel, None, title)
        panel.set_xticks(range(len(order)), order, rotation=60)
    _legend_of_series(figure, colours)
    return figure


def quality(recipe: Recipe, records: Sequence[Record]) -> Figure:
    """Random architectures of each space, and their means (Figure 4)."""
    networks = networks_table(records)
    colours = _colours(networks["series"])
    figure, [axes] = panels_of(1, width=8.0, height=5.2)
    for series, points in networks.groupby("series", sort=False):
        x, y = points["spikes"], 100 * points["accuracy"]
        axes.scatter(x, y, s=28, color=colours[series], alpha=0.55, edgecolor="white")
        mean = (x.mean(), y.mean())
        axes.scatter(*mean, s=170, marker="D", color=colours[series], edgecolor=theme.INK)
    axis_titles(axes, theme.SPIKES, _ACCURACY)
    _legend_of_series(figure, colours)
    return figure


def ranking(recipe: Recipe, records: Sequence[Record]) -> Figure:
    """Scores with the supernet against scores after training from scratch."""
    networks = networks_table(records).dropna(subset=["supernet_accuracy"])
    figure, panels = panels_of(2, width=11.0, height=4.8)
    for axes, name, factor in zip(panels, ("accuracy", "spikes"), (100, 1), strict=True):
        inherited, trained = networks[f"supernet_{name}"], networks[name]
        axes.scatter(factor * inherited, factor * trained, s=34, color=_COLOURS[0], alpha=0.8)
        tau, p = kendalltau(inherited, trained)
        title = f"{name.capitalize()}: Kendall tau {tau:.2f} (p = {p:.2g}, n = {len(trained)})"
        axes.set_title(title, loc="left", color=theme.INK)
        unit = " (%)" if name == "accuracy" else " per image"
        axis_titles(
            axes, f"{name.capitalize()} with the supernet{unit}", f"Trained from scratch{unit}"
        )
    return figure


def architectures(recipe: Recipe, records: Sequence[Record]) -> Figure:
    """The architectures that were found, stage by stage (Figures 11 and 12)."""
    stages = [[one for one in record["stages"] if one["kind"] != "head"] for record in records]
    columns = max(map(len, stages))
    figure = Figure(figsize=(1.25 * columns + 2.6, 0.62 * len(records) + 0.2), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-2.1, columns), ylim=(len(records), 0))
    axes.set_axis_off()
    for line, (record, drawn) in enumerate(zip(records, stages, strict=True)):
        name = f"{record['row']}, seed {record['seed']}"
        axes.text(-2.05, line + 0.5, name, ha="left", va="center", size=9, color=theme.INK)
        for column, stage in enumerate(drawn):
            _box(axes, column, line, stage["kind"], stage["block"])
    return figure


def _box(axes: Axes, column: int, line: int, kind: str, block: str) -> None:
    colour, empty = theme.kind_colour(kind), block == "skip"
    box = FancyBboxPatch(
        (column + 0.06, line + 0.16),
        0.88,
        0.68,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor="white" if empty else (colour, 0.16),
        edgecolor=colour,
        linestyle="--" if empty else "-",
    )
    axes.add_patch(box)
    axes.text(column + 0.5, line + 0.5, block, ha="center", va="center", size=8)


def _colours(names: Iterable[Hashable]) -> dict[Hashable, str]:
    return dict(zip(dict.fromkeys(names), cycle(_COLOURS)))


def _legend_of_series(figure: Figure, colours: dict[Hashable, str]) -> None:
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=str(name))
        for name, colour in colours.items()
    ]
    legend(figure, handles, columns=min(len(handles), 5))


for _draw in (bubbles, layers, quality, ranking, architectures):
    FIGURES.add(_draw.__name__, _draw)
