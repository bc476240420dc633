"""Helpers for matplotlib figures, without pyplot's global state."""

import io
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from autosnn_nni.report import theme


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=160)
    return buffer.getvalue()


def panels_of(
    count: int, width: float, height: float, sharey: bool = False, rows: int = 1
) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` panels side by side in each row; ``height`` is a row's, in inches."""
    figure = Figure(figsize=(width, rows * height), layout="constrained", facecolor="white")
    grid = figure.subplots(rows, count, squeeze=False, sharey=sharey)
    return figure, list(grid.flat)


def axis_titles(axes: Axes, x: str | None, y: str | None) -> None:
    """Set the titles of the axes, thousands separators, and a grid behind the points."""
    axes.set_xlabel(x or "", color=theme.INK)
    axes.set_ylabel(y or "", color=theme.INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.MUTED)
    axes.grid(visible=True, color=theme.GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    if x:
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.12g}"))
    if y:
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.12g}"))


def whole_numbers() -> MaxNLocator:
    """Ticks at whole numbers."""
    return MaxNLocator(nbins=10, integer=True, steps=[1, 2, 5, 10])


def legend(figure: Figure, handles: Sequence[Artist], columns: int | None = None) -> None:
    """Add a legend above the axes, where it can't hide a point."""
    figure.legend(
        handles=handles, loc="outside upper left", ncols=columns or len(handles), frameon=False
    )
