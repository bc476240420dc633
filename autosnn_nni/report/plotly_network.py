"""A network block by block, drawn with plotly. The page has it as a list, which fits any width."""

from collections.abc import Sequence

import plotly.graph_objects as go

from autosnn_nni.report import theme
from autosnn_nni.report.analysis import stage_caption, stage_shape
from autosnn_nni.report.plotly_layout import set_layout
from autosnn_nni.runs.contents import Result, Stage

_PER_ROW = 6


def network_figure(stages: Sequence[Stage], result: Result | None) -> go.Figure:
    """The network block by block, in rows read from left to right."""
    columns, rows = min(len(stages), _PER_ROW), -(-len(stages) // _PER_ROW)
    figure = set_layout(go.Figure(), None, None, height=40 + 150 * rows)
    for index, stage in enumerate(stages):
        row, column = divmod(index, _PER_ROW)
        _draw_stage(figure, column, row, stage, stage_caption(stage, result))
        if index + 1 < len(stages):
            figure.add_annotation(x=column + 1, y=row + 0.4, text="→", showarrow=False)
    figure.update_xaxes(range=(0, columns + 0.15), visible=False)
    figure.update_yaxes(range=(rows, 0), visible=False)
    return figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})


def _draw_stage(figure: go.Figure, column: int, row: int, stage: Stage, caption: str) -> None:
    colour, skipped = theme.kind_colour(stage.kind), stage.block == "skip"
    figure.add_shape(
        x0=column + 0.12,
        x1=column + 0.88,
        y0=row + 0.08,
        y1=row + 0.72,
        line={"color": colour, "width": 1.5, "dash": "dash" if skipped else "solid"},
        fillcolor="white" if skipped else _faint(colour),
        layer="below",
    )
    text = f"<b>{stage.block}</b><br>{stage_shape(stage)}"
    figure.add_annotation(x=column + 0.5, y=row + 0.42, text=text, showarrow=False)
    name = {"text": stage.name, "font": {"size": 11, "color": theme.MUTED}}
    figure.add_annotation(x=column + 0.5, y=row + 0.16, showarrow=False, **name)
    figure.add_annotation(x=column + 0.5, y=row + 0.85, text=caption, showarrow=False)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.14)"
