"""The figures as PNG files."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch
from matplotlib.ticker import EngFormatter

from autosnn_nni.report import theme
from autosnn_nni.report.analysis import (
    Contender,
    WithErrorBars,
    stage_caption,
    stage_shape,
    trust_groups,
)
from autosnn_nni.report.drawing import axis_titles, legend, panels_of, whole_numbers
from autosnn_nni.report.search import best_so_far, constraints, knee_of, with_accuracy
from autosnn_nni.runs.contents import Best, Candidate, Layer, Result, RunContents, Stage
from autosnn_nni.scoring.ranking import Judged
from autosnn_nni.strategies import ACCURACY, BOTH, Objective, front_of

_STAGES_PER_ROW = 6


def search_figure(run: RunContents, cost: Objective) -> Figure:
    """Accuracy against a cost of every evaluated architecture, front, knee, winner, constraints."""
    figure, [axes] = panels_of(1, width=8.0, height=4.8)
    dots = {"marker": "o", "markeredgecolor": "white", "markeredgewidth": 0.5}
    known = with_accuracy(run.candidates)
    _scatter(axes, known, cost, "Evaluated architecture", theme.CANDIDATE, linestyle="", **dots)
    front = front_of(known, (ACCURACY, cost))
    _scatter(axes, front, cost, "Pareto front", theme.FRONT, drawstyle="steps-post", **dots)
    if knee := knee_of(run):
        ring = {"marker": "D", "markersize": 11, "markerfacecolor": "none", "markeredgewidth": 1.6}
        _scatter(axes, [knee], cost, "Knee", theme.KNEE, linestyle="", **ring)
    if run.best:
        star = {"marker": "*", "markersize": 17, "markeredgecolor": "white"}
        _scatter(axes, [run.best], cost, "Winner", theme.WINNER, linestyle="", **star)
    legend(figure, axes.lines)
    for bound in constraints(run).bounds:
        if bound.objective.name == cost.name:
            axes.axvline(bound.limit, color=theme.MUTED, linestyle="--")
        if bound.objective.name == "accuracy":
            axes.axhline(100 * bound.limit, color=theme.MUTED, linestyle="--")
    axis_titles(axes, theme.axis_title(cost), theme.VALIDATION_ACCURACY)
    if cost.unit:
        axes.xaxis.set_major_formatter(EngFormatter(cost.unit))
    return figure


def _scatter(
    axes: Axes,
    points: Sequence[Candidate | Best],
    cost: Objective,
    label: str,
    colour: str,
    **style: object,
) -> None:
    x = [cost.value(point) for point in points]
    y = [100 * point.accuracy for point in points]
    axes.plot(x, y, color=colour, label=label, **style)  # type: ignore[arg-type]


def comparison_figure(networks: Sequence[WithErrorBars]) -> Figure:
    """Test accuracy against spikes: means over the seeds, with standard deviations as bars."""
    figure, [axes] = panels_of(1, width=8.0, height=4.0)
    for one, marker in zip(networks, cycle(theme.SYMBOLS.values()), strict=False):
        accuracy, spikes = one.accuracy, one.spikes
        axes.errorbar(
            [spikes.mean],
            [100 * accuracy.mean],
            xerr=[spikes.std],
            yerr=[100 * accuracy.std],
            fmt=marker,
            color=one.colour,
            capsize=4,
            label=one.label,
        )
    axis_titles(axes, theme.SPIKES, theme.TEST_ACCURACY)
    legend(figure, axes.get_legend_handles_labels()[0])
    return figure


def fitness_figure(candidates: Sequence[Candidate]) -> Figure:
    """The fitness of every evaluated architecture, and the best so far, by evaluation."""
    figure, [axes] = panels_of(1, width=8.0, height=4.0)
    steps = [candidate.order for candidate in candidates]
    evaluated = [candidate.fitness for candidate in candidates]
    label = "Evaluated architecture"
    axes.plot(steps, evaluated, "o", color=theme.CANDIDATE, markersize=4, label=label)
    so_far = [candidate.fitness for candidate in best_so_far(candidates)]
    axes.plot(
        steps,
        so_far,
        color=theme.FRONT,
        label="Best so far",
        drawstyle="steps-post",
        marker="o" if len(so_far) == 1 else "",
        linewidth=2,
    )
    axis_titles(axes, theme.EVALUATIONS, "Fitness")
    axes.xaxis.set_major_locator(whole_numbers())
    legend(figure, axes.lines)
    return figure


def layers_figure(layers: Sequence[Layer]) -> Figure:
    """Spikes and firing rate of every layer that outputs spikes, side by side."""
    figure, panels = panels_of(2, width=10.0, height=1.4 + 0.27 * len(layers), sharey=True)
    names = [layer.name for layer in layers]
    colours = [theme.kind_colour(layer.kind) for layer in layers]
    panels[0].barh(names, [layer.spikes for layer in layers], color=colours, height=0.7)
    panels[1].barh(names, [layer.firing_rate or 0 for layer in layers], color=colours, height=0.7)
    for axes, title in zip(panels, (theme.SPIKES, theme.FIRING_RATE), strict=True):
        axis_titles(axes, title, None)
        axes.grid(visible=False, axis="y")
    panels[0].invert_yaxis()
    kinds = dict.fromkeys(layer.kind for layer in layers)
    handles = [Patch(color=theme.kind_colour(kind), label=theme.kind_label(kind)) for kind in kinds]
    legend(figure, handles)
    return figure


def curves_figure(trainings: Mapping[str, Sequence[Contender]]) -> Figure:
    """Accuracy, loss and spikes by epoch: a row for each stage, a line per network."""
    columns = len(theme.CURVES)
    figure, panels = panels_of(columns, width=12.0, height=3.6, rows=len(trainings))
    for row, networks in enumerate(trainings.values()):
        for axes, curve in zip(panels[row * columns :], theme.CURVES, strict=False):
            for network in networks:
                _curve(axes, network, curve)
            axis_titles(axes, theme.EPOCHS, curve.title)
            axes.xaxis.set_major_locator(whole_numbers())
    lines = [line for axes in panels[::columns] for line in axes.lines]
    if len(lines) > 1:
        legend(figure, lines)
    return figure


def _curve(axes: Axes, network: Contender, curve: theme.Curve) -> None:
    x = [epoch.epoch + 1 for epoch in network.training]
    y = [curve.factor * getattr(epoch, curve.name) for epoch in network.training]
    marker, style = "o" if len(x) == 1 else "", theme.LINE_STYLES[network.dash]
    axes.plot(
        x, y, linestyle=style, marker=marker, color=network.colour, lw=1.8, label=network.label
    )


def trust_figure(judged: Sequence[Judged]) -> Figure:
    """The sample's scores with the supernet against those after training from scratch."""
    figure, panels = panels_of(len(BOTH), width=4.5 * len(BOTH), height=4.4)
    for axes, objective in zip(panels, BOTH, strict=True):
        name, factor = objective.name, objective.factor
        for group, label, colour in trust_groups(judged):
            x = [factor * getattr(one, f"supernet_{name}") for one in group]
            y = [factor * getattr(one, name) for one in group]
            dots: Any = {"marker": "o", "markeredgecolor": "white", "linestyle": ""}
            axes.plot(x, y, color=colour, label=label, **dots)
        axis_titles(axes, f"Supernet: {objective.title}", f"From scratch: {objective.title}")
    legend(figure, panels[0].lines)
    return figure


def network_figure(stages: Sequence[Stage], result: Result | None) -> Figure:
    """The network block by block, in rows read from left to right."""
    columns = min(len(stages), _STAGES_PER_ROW)
    rows = -(-len(stages) // _STAGES_PER_ROW)
    figure = Figure(figsize=(2.0 * columns + 0.3, 1.7 * rows), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, columns + 0.15), ylim=(rows, 0))
    axes.set_axis_off()
    for index, stage in enumerate(stages):
        row, column = divmod(index, _STAGES_PER_ROW)
        _draw_stage(axes, column, row, stage, stage_caption(stage, result))
        if index + 1 < len(stages):
            axes.text(column + 1, row + 0.4, "→", ha="center", va="center", color=theme.MUTED)
    return figure


def _draw_stage(axes: Axes, column: int, row: int, stage: Stage, caption: str) -> None:
    colour = theme.kind_colour(stage.kind)
    box = FancyBboxPatch(
        (column + 0.12, row + 0.12),
        0.76,
        0.56,
        boxstyle="round,pad=0,rounding_size=0.06",
        mutation_aspect=1.18,
        facecolor=(colour, 0.14) if stage.block != "skip" else "white",
        edgecolor=colour,
        linewidth=1.4,
        linestyle="-" if stage.block != "skip" else "--",
    )
    axes.add_patch(box)
    middle = column + 0.5
    name = textwrap.fill(stage.block, 13)
    axes.text(middle, row + 0.22, stage.name, ha="center", va="center", size=8, color=theme.MUTED)
    axes.text(middle, row + 0.4, name, ha="center", va="center", size=11, weight="bold")
    axes.text(middle, row + 0.58, stage_shape(stage), ha="center", va="center", size=8)
    axes.text(middle, row + 0.8, caption, ha="center", va="center", size=9, color=theme.INK)
