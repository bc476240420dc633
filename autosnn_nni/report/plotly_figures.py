"""The figures of the page, drawn with plotly."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autosnn_nni.numbers import format_accuracy, format_spikes
from autosnn_nni.report import theme
from autosnn_nni.report.analysis import (
    Contender,
    Progress,
    WithErrorBars,
    constraints,
    knee_of,
    trust_groups,
    with_accuracy,
)
from autosnn_nni.runs.contents import Best, Candidate, Layer, RunContents
from autosnn_nni.scoring.ranking import Judged
from autosnn_nni.strategies import ACCURACY, BOTH, Measurements, Objective, front_of

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_POINT = "%{text}<br>%{y:.1f} % validation accuracy<br>%{customdata[0]}"
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


def search_figure(run: RunContents, cost: Objective) -> go.Figure:
    """Accuracy against a cost of every evaluated architecture, front, knee, winner, constraints."""
    known = with_accuracy(run.candidates)
    front = front_of(known, (ACCURACY, cost))
    figure = go.Figure(
        [
            _points(known, cost, "Evaluated architecture", color=theme.CANDIDATE, size=7),
            _points(front, cost, "Pareto front", color=theme.FRONT, size=9),
        ]
    )
    figure.data[1].update(mode="lines+markers", line={"shape": "hv", "width": 2})
    if knee := knee_of(run):
        ring = _points([knee], cost, "Knee", color=theme.KNEE, size=15, symbol="diamond-open")
        figure.add_trace(ring)
        figure.data[-1].marker.line.update(width=2, color=theme.KNEE)
    if run.best:
        figure.add_trace(_winner(run.best, cost))
    _set_layout(figure, theme.axis_title(cost), theme.VALIDATION_ACCURACY, height=460)
    if cost.unit:
        figure.update_xaxes(tickformat="~s", ticksuffix=cost.unit)
    for bound in constraints(run).bounds:
        if bound.objective.name == cost.name:
            figure.add_vline(bound.limit, line_dash="dash", line_color=theme.MUTED)
        if bound.objective.name == "accuracy":
            figure.add_hline(100 * bound.limit, line_dash="dash", line_color=theme.MUTED)
    return figure


def _points(
    candidates: Sequence[Candidate], cost: Objective, name: str, **marker: Any
) -> go.Scatter:
    return go.Scatter(
        name=name,
        mode="markers",
        x=[cost.value(candidate) for candidate in candidates],
        y=[100 * candidate.accuracy for candidate in candidates],
        text=[", ".join(candidate.blocks) for candidate in candidates],
        customdata=[
            [_cost_text(candidate, cost), candidate.fitness, candidate.generation]
            for candidate in candidates
        ],
        marker={"line": {"width": 1, "color": "white"}, **marker},
        line={"color": marker["color"]},
        hovertemplate=f"{_POINT}<br>fitness %{{customdata[1]:.4f}}"
        "<br>generation %{customdata[2]}<extra></extra>",
    )


def _cost_text(one: Measurements, cost: Objective) -> str:
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
        customdata=[[_cost_text(best, cost), best.fitness]],
        marker={
            "symbol": "star",
            "size": 18,
            "color": theme.WINNER,
            "line": {"width": 1, "color": "white"},
        },
        hovertemplate=f"<b>Winner</b><br>{_POINT}<br>fitness %{{customdata[1]:.4f}}<extra></extra>",
    )


def comparison_figure(networks: Sequence[WithErrorBars]) -> go.Figure:
    """Test accuracy against spikes: means over the seeds, with standard deviations as bars."""
    figure = go.Figure([_error_bars(one) for one in networks])
    _set_layout(figure, theme.SPIKES, theme.TEST_ACCURACY, height=340)
    return figure.update_layout(showlegend=True)


def _error_bars(one: WithErrorBars) -> go.Scatter:
    accuracy, spikes = one.accuracy, one.spikes
    said = f"{format_accuracy(accuracy.mean, accuracy.std)} test accuracy"
    counted = f"{format_spikes(spikes.mean, spikes.std)} spikes per image"
    return go.Scatter(
        name=one.label,
        mode="markers",
        x=[spikes.mean],
        y=[100 * accuracy.mean],
        error_x={"array": [spikes.std]},
        error_y={"array": [100 * accuracy.std]},
        marker={"size": 9, "color": one.colour},
        hovertemplate=f"<b>{one.label}</b><br>{said}<br>{counted}<extra></extra>",
    )


def fitness_figure(progress: Progress) -> go.Figure:
    """Best fitness of each generation, and the best so far."""
    figure = go.Figure()
    if progress.unit == "generation":
        of_step = _fitness_trace(progress, progress.best_of_step, "Best of the generation")
        of_step.update(mode="markers", marker={"color": theme.CANDIDATE, "size": 9})
        figure.add_trace(of_step)
    so_far = _fitness_trace(progress, progress.best_so_far, "Best so far")
    mode = "lines" if len(progress.steps) > 1 else "markers"
    so_far.update(mode=mode, line={"color": theme.FRONT, "shape": "hv", "width": 2.5})
    figure.add_trace(so_far)
    _set_layout(figure, progress.unit.capitalize(), "Fitness", height=360)
    return figure.update_layout(showlegend=True)


def _fitness_trace(progress: Progress, best: Sequence[Candidate], name: str) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=progress.steps,
        y=[candidate.fitness for candidate in best],
        text=[", ".join(candidate.blocks) for candidate in best],
        hovertemplate=f"{name}, {progress.unit} %{{x}}<br>%{{text}}"
        "<br>fitness %{y:.4f}<extra></extra>",
    )


def trust_figure(judged: Sequence[Judged]) -> go.Figure:
    """The sample's scores with the supernet against those after training from scratch."""
    figure = make_subplots(cols=len(BOTH), horizontal_spacing=0.12)
    _set_layout(figure, None, None, height=400)
    for column, objective in enumerate(BOTH, start=1):
        for group, label, colour in trust_groups(judged):
            dots = _judged(group, objective)
            dots.update(name=label, legendgroup=label, showlegend=column == 1, marker_color=colour)
            figure.add_trace(dots, row=1, col=column)
        figure.update_xaxes(title_text=f"Supernet: {objective.title}", col=column)
        figure.update_yaxes(title_text=f"From scratch: {objective.title}", col=column)
    return figure


def _judged(group: Sequence[Judged], objective: Objective) -> go.Scatter:
    name, factor = objective.name, objective.factor
    return go.Scatter(
        mode="markers",
        x=[factor * getattr(one, f"supernet_{name}") for one in group],
        y=[factor * getattr(one, name) for one in group],
        text=[", ".join(one.blocks) for one in group],
        marker={"size": 9, "line": {"width": 1, "color": "white"}},
        hovertemplate=f"%{{text}}<br>supernet %{{x:,.1f}}, from scratch %{{y:,.1f}} ({name})"
        "<extra></extra>",
    )


def layers_figure(layers: Sequence[Layer]) -> go.Figure:
    """Spikes and firing rate of every layer that outputs spikes, side by side."""
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04)
    for kind in dict.fromkeys(layer.kind for layer in layers):
        chosen = [layer for layer in layers if layer.kind == kind]
        spikes, rates = [layer.spikes for layer in chosen], [layer.firing_rate for layer in chosen]
        figure.add_trace(_bars(chosen, spikes, "%{x:,.1f} spikes per image"), row=1, col=1)
        figure.add_trace(_bars(chosen, rates, "firing rate %{x:.4f}", False), row=1, col=2)
    _set_layout(figure, None, None, height=130 + 26 * len(layers))
    figure.update_layout(barmode="overlay", bargap=0.3)
    figure.update_xaxes(title_text=theme.SPIKES, col=1)
    rate_title = theme.FIRING_RATE.replace(" (", "<br>(").replace(" per time", "<br>per time")
    figure.update_xaxes(title_text=rate_title, col=2)
    names = [layer.name for layer in layers]
    figure.update_yaxes(categoryorder="array", categoryarray=names, autorange="reversed")
    return figure.update_yaxes(showgrid=False, type="category", tickformat=None)


def _bars(
    layers: Sequence[Layer],
    values: Sequence[float | None],
    template: str,
    in_legend: bool = True,
) -> go.Bar:
    kind = layers[0].kind
    return go.Bar(
        name=theme.kind_label(kind),
        legendgroup=kind,
        showlegend=in_legend,
        orientation="h",
        x=values,
        y=[layer.name for layer in layers],
        marker_color=theme.kind_colour(kind),
        customdata=[layer.neurons for layer in layers],
        hovertemplate=f"<b>%{{y}}</b><br>{template}<br>%{{customdata:,}} neurons<extra></extra>",
    )


def curve_figure(networks: Sequence[Contender], curve: str) -> go.Figure:
    """One training curve (``accuracy``, ``loss`` or ``spikes``), a line per network."""
    title, factor = next((title, factor) for name, title, factor in theme.CURVES if name == curve)
    figure = go.Figure([_curve(network, curve, factor) for network in networks])
    _set_layout(figure, theme.EPOCHS, title, height=280)
    # The page has one legend for all curves.
    return figure.update_layout(hovermode="x unified", showlegend=False, margin_t=16)


def _curve(network: Contender, curve: str, factor: float) -> go.Scatter:
    return go.Scatter(
        name=network.label,
        mode="lines" if len(network.training) > 1 else "markers",
        x=[epoch.epoch + 1 for epoch in network.training],
        y=[factor * getattr(epoch, curve) for epoch in network.training],
        line={"color": network.colour, "width": 2},
        hovertemplate="%{y:,.4~g}" if curve == "loss" else "%{y:,.1f}",
    )


def _set_layout(figure: go.Figure, x: str | None, y: str | None, height: int) -> go.Figure:
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
