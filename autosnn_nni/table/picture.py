"""Regret by the number of evaluations, of all judged searches."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from autosnn_nni.report import theme
from autosnn_nni.report.drawing import axis_titles, panels_of
from autosnn_nni.table.judge import EVALUATIONS

_COLOURS = (theme.FRONT, theme.WINNER, *theme.BASELINES, theme.INK, theme.OTHER)
_STYLES = ("-", "--", ":")


def regrets(judged: pd.DataFrame, of_all: float) -> Figure:
    """Means over the seeds with 95 % intervals, from :func:`autosnn_nni.table.judge.summary`.

    A line is at the regret ``of_all``, if everything is evaluated.
    """
    figure, (panel,) = panels_of(1, width=8.5, height=5.2)
    for number, (name, points) in enumerate(judged.groupby("search", sort=False)):
        mean, half = 100 * points["regret"], 100 * points["regret_interval"]
        panel.errorbar(
            points["evaluations"],
            mean,
            half,
            color=_COLOURS[number % len(_COLOURS)],
            linestyle=_STYLES[number // len(_COLOURS) % len(_STYLES)],
            linewidth=1.6,
            elinewidth=0.8,
            marker="o",
            markersize=3,
            label=str(name),
        )
    panel.axhline(100 * of_all, color=theme.MUTED, linewidth=1, label="all evaluated")
    panel.set_xscale("log")
    panel.set_ylim(bottom=0)
    axis_titles(panel, "Evaluated architectures", "Regret: fitness lost (points)")
    panel.set_xticks(EVALUATIONS, minor=False)
    panel.minorticks_off()
    panel.xaxis.set_major_formatter(ScalarFormatter())
    figure.legend(loc="outside right upper", frameon=False)
    return figure
