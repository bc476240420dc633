"""The figures of a search, drawn with plotly."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from autosnn_nni.report import theme
from autosnn_nni.report.plotly_layout import set_layout
from autosnn_nni.report.search import best_so_far, constraints, knee_of, with_accuracy
from autosnn_nni.runs.contents import Best, Candidate, RunContents, objectives_of
from autosnn_nni.strategies import ACCURACY, Measurements, Objective, front_of

_POINT = "%{text}<br>%{y:.1f} % validation accuracy<br>%{customdata[0]}"


def search_figure(run: RunContents, cost: Objective) -> go.Figure:
    """Accuracy against a cost of every evaluated architecture, front, knee, winner, constraints.

    The page filters the traces with a ``meta`` by the values of the objectives that stand behind
    the first three of ``customdata``.
    """
    known, objectives = with_accuracy(run.candidates), objectives_of(run.settings)
    front = front_of(known, (ACCURACY, cost))
    evaluated = _points(known, cost, objectives, color=theme.CANDIDATE, size=7)
    on_front = _points(front, cost, objectives, color=theme.FRONT, size=9)
    on_front.update(mode="lines+markers", line={"shape": "hv", "width": 2})
    figure = go.Figure(
        [
            evaluated.update(name="Evaluated architecture", meta="evaluated"),
            on_front.update(name="Pareto front", meta="front"),
        ]
    )
    if knee := knee_of(run):
        ring = _points([knee], cost, objectives, color=theme.KNEE, size=15, symbol="diamond-open")
        ring.marker.line.update(width=2, color=theme.KNEE)
        figure.add_trace(ring.update(name="Knee"))
    if run.best:
        figure.add_trace(_winner(run.best, cost))
    set_layout(figure, theme.axis_title(cost), theme.VALIDATION_ACCURACY, height=460)
    if cost.unit:
        figure.update_xaxes(tickformat="~s", ticksuffix=cost.unit)
    _draw_bounds(figure, run, cost)
    return figure


def _draw_bounds(figure: go.Figure, run: RunContents, cost: Objective) -> None:
    for bound in constraints(run).bounds:
        if bound.objective.name == cost.name:
            figure.add_vline(bound.limit, line_dash="dash", line_color=theme.MUTED)
        if bound.objective.name == "accuracy":
            figure.add_hline(100 * bound.limit, line_dash="dash", line_color=theme.MUTED)


def _points(
    candidates: Sequence[Candidate], cost: Objective, objectives: Sequence[Objective], **marker: Any
) -> go.Scatter:
    return go.Scatter(
        mode="markers",
        x=[cost.value(candidate) for candidate in candidates],
        y=[100 * candidate.accuracy for candidate in candidates],
        text=[", ".join(candidate.blocks) for candidate in candidates],
        customdata=[
            [
                cost_text(candidate, cost),
                candidate.fitness,
                candidate.generation,
                *(one.value(candidate) for one in objectives),
            ]
            for candidate in candidates
        ],
        marker={"line": {"width": 1, "color": "white"}, **marker},
        line={"color": marker["color"]},
        hovertemplate=f"{_POINT}<br>fitness %{{customdata[1]:.4f}}"
        "<br>generation %{customdata[2]}<extra></extra>",
    )


def cost_text(one: Measurements, cost: Objective) -> str:
    """``3,412 spikes per image``, or ``energy per image, Loihi: 2 µJ``."""
    value = cost.text(cost.value(one))
    return f"{cost.title}: {value}" if cost.unit else f"{value} {cost.title}"


def _winner(best: Best, cost: Objective) -> go.Scatter:
    return go.Scatter(
        name="Winner",
        mode="markers",
        x=[cost.value(best)],
        y=[100 * best.accuracy],
        text=[", ".join(best.blocks)],
        customdata=[[cost_text(best, cost), best.fitness]],
        marker={
            "symbol": "star",
            "size": 18,
            "color": theme.WINNER,
            "line": {"width": 1, "color": "white"},
        },
        hovertemplate=f"<b>Winner</b><br>{_POINT}<br>fitness %{{customdata[1]:.4f}}<extra></extra>",
    )


def fitness_figure(candidates: Sequence[Candidate]) -> go.Figure:
    """The fitness of every evaluated architecture, and the best so far, by evaluation."""
    evaluated = _fitness(candidates, candidates, "Evaluated architecture")
    evaluated.update(mode="markers", marker={"color": theme.CANDIDATE, "size": 6})
    so_far = _fitness(candidates, best_so_far(candidates), "Best so far")
    mode = "lines" if len(candidates) > 1 else "markers"
    so_far.update(mode=mode, line={"color": theme.FRONT, "shape": "hv", "width": 2.5})
    figure = go.Figure([evaluated, so_far])
    return set_layout(figure, theme.EVALUATIONS, "Fitness", height=360)


def _fitness(evaluated: Sequence[Candidate], shown: Sequence[Candidate], name: str) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=[candidate.order for candidate in evaluated],
        y=[candidate.fitness for candidate in shown],
        text=[", ".join(candidate.blocks) for candidate in shown],
        customdata=[candidate.generation for candidate in shown],
        hovertemplate=f"{name}, evaluation %{{x}}<br>%{{text}}<br>fitness %{{y:.4f}}"
        "<br>generation %{customdata}<extra></extra>",
    )
