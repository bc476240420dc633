"""The figures as PNG files, drawn with matplotlib and without pyplot's global state."""

import io
import textwrap
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from autosnn_nni.report import _theme as theme
from autosnn_nni.report._analysis import (
    Contender,
    Progress,
    candidate_front,
    stage_caption,
    stage_shape,
)
from autosnn_nni.report._contents import Best, Candidate, Layer, Result, Stage

_STAGES_PER_ROW = 6


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=160)
    return buffer.getvalue()


def accuracy_spikes_figure(candidates: Sequence[Candidate], best: Best | None) -> Figure:
    """Accuracy against spikes of every evaluated architecture, the front and the winner."""
    figure, [axes] = _panels(1, width=8.0, height=4.8)
    dots = {"marker": "o", "markeredgecolor": "white", "markeredgewidth": 0.5}
    _scatter(axes, candidates, "Evaluated architecture", theme.CANDIDATE, linestyle="", **dots)
    front = candidate_front(candidates)
    _scatter(axes, front, "Pareto front", theme.FRONT, drawstyle="steps-post", **dots)
    if best:
        star = {"marker": "*", "markersize": 17, "markeredgecolor": "white"}
        _scatter(axes, [best], "Winner", theme.WINNER, linestyle="", **star)
    _label(axes, theme.SPIKES, theme.VALIDATION_ACCURACY)
    _legend(figure, axes.lines)
    return figure


def _scatter(
    axes: Axes, points: Sequence[Candidate | Best], label: str, colour: str, **style: object
) -> None:
    x = [point.spikes for point in points]
    y = [100 * point.accuracy for point in points]
    axes.plot(x, y, color=colour, label=label, **style)  # type: ignore[arg-type]


def fitness_figure(progress: Progress) -> Figure:
    """Best fitness by generation: of each one, and so far."""
    figure, [axes] = _panels(1, width=8.0, height=4.0)
    if progress.unit == "generation":
        of_step = [candidate.fitness for candidate in progress.best_of_step]
        label = "Best of the generation"
        axes.plot(progress.steps, of_step, "o", color=theme.CANDIDATE, label=label)
    so_far = [candidate.fitness for candidate in progress.best_so_far]
    line = {"drawstyle": "steps-post", "marker": "o" if len(so_far) == 1 else "", "linewidth": 2}
    axes.plot(progress.steps, so_far, color=theme.FRONT, label="Best so far", **line)  # type: ignore[arg-type]
    _label(axes, progress.unit.capitalize(), "Fitness")
    axes.xaxis.set_major_locator(_whole_numbers())
    _legend(figure, axes.lines)
    return figure


def layers_figure(layers: Sequence[Layer]) -> Figure:
    """Spikes and firing rate of every layer that sends spikes on, side by side."""
    figure, panels = _panels(2, width=10.0, height=1.4 + 0.27 * len(layers), sharey=True)
    names = [layer.name for layer in layers]
    colours = [theme.kind_colour(layer.kind) for layer in layers]
    panels[0].barh(names, [layer.spikes for layer in layers], color=colours, height=0.7)
    panels[1].barh(names, [layer.firing_rate or 0 for layer in layers], color=colours, height=0.7)
    for axes, title in zip(panels, (theme.SPIKES, theme.FIRING_RATE), strict=True):
        _label(axes, title, None)
        axes.grid(visible=False, axis="y")
    panels[0].invert_yaxis()
    kinds = dict.fromkeys(layer.kind for layer in layers)
    handles = [Patch(color=theme.kind_colour(kind), label=theme.kind_label(kind)) for kind in kinds]
    _legend(figure, handles)
    return figure


def curves_figure(networks: Sequence[Contender]) -> Figure:
    """Accuracy, loss and spikes by epoch, a line per network."""
    figure, panels = _panels(len(theme.CURVES), width=12.0, height=3.6)
    for axes, (curve, title, factor) in zip(panels, theme.CURVES, strict=True):
        for network in networks:
            x = [epoch.epoch + 1 for epoch in network.training]
            y = [factor * getattr(epoch, curve) for epoch in network.training]
            marker = "o" if len(x) == 1 else ""
            axes.plot(x, y, marker=marker, color=network.colour, lw=1.8, label=network.label)
        _label(axes, theme.EPOCHS, title)
        axes.xaxis.set_major_locator(_whole_numbers())
    if len(networks) > 1:
        _legend(figure, panels[0].lines)
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


def _panels(
    count: int, width: float, height: float, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    grid = figure.subplots(1, count, squeeze=False, sharey=sharey)
    return figure, list(grid[0])


def _label(axes: Axes, x: str, y: str | None) -> None:
    axes.set_xlabel(x, color=theme.INK)
    axes.set_ylabel(y or "", color=theme.INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.MUTED)
    axes.grid(visible=True, color=theme.GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.12g}"))
    if y:
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.12g}"))


def _whole_numbers() -> MaxNLocator:
    return MaxNLocator(nbins=10, integer=True, steps=[1, 2, 5, 10])


def _legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Above the axes, where it can't hide a point."""
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False)
