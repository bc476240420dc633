"""What all figures of plotly have in common."""

import plotly.graph_objects as go

from autosnn_nni.report import theme

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_CONFIG = {"displayModeBar": False, "responsive": True}


def figure_html(figure: go.Figure, name: str) -> str:
    """The figure as an HTML fragment, for a page that includes plotly.js."""
    html: str = figure.to_html(
        config=_CONFIG,
        full_html=False,
        include_plotlyjs=False,
        div_id=f"figure-{name}",
        default_height=f"{figure.layout.height or 400}px",
    )
    return html


def set_layout(figure: go.Figure, x: str | None, y: str | None, height: int) -> go.Figure:
    """Set the titles of the axes, the height, and the look."""
    axis = {
        "gridcolor": theme.GRID,
        "zeroline": False,
        "automargin": True,
        "tickformat": ",",
        "title_font_size": 13,
    }
    figure.update_xaxes(title_text=x, linecolor=theme.MUTED, ticks="outside", **axis)
    figure.update_yaxes(title_text=y, ticklabelstandoff=5, title_standoff=14, **axis)
    return figure.update_layout(
        template="none",
        height=height,
        font={"family": _FONT, "size": 13, "color": theme.INK},
        margin={"l": 56, "r": 16, "t": 40, "b": 48},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hoverlabel={"align": "left", "bgcolor": "white", "font": {"color": theme.INK}},
    )
