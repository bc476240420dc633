"""The figures of supernets and trained networks, drawn with plotly."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autosnn_nni.numbers import format_accuracy, format_spikes
from autosnn_nni.report import theme
from autosnn_nni.report.analysis import (
    Contender,
    WithErrorBars,
    trust_groups,
)
from autosnn_nni.report.plotly_layout import set_layout
from autosnn_nni.runs.contents import Layer
from autosnn_nni.scoring.ranking import Judged
from autosnn_nni.strategies import BOTH, Objective


def comparison_figure(networks: Sequence[WithErrorBars]) -> go.Figure:
    """Test accuracy against spikes: means over the seeds, with standard deviations as bars."""
    figure = go.Figure(
        [_error_bars(*each) for each in zip(networks, cycle(theme.SYMBOLS), strict=False)]
    )
    set_layout(figure, theme.SPIKES, theme.TEST_ACCURACY, height=340)
    return figure.update_layout(showlegend=True)


def _error_bars(one: WithErrorBars, symbol: str) -> go.Scatter:
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
        marker={"size": 9, "color": one.colour, "symbol": symbol},
        hovertemplate=f"<b>{one.label}</b><br>{said}<br>{counted}<extra></extra>",
    )


def trust_figure(judged: Sequence[Judged]) -> go.Figure:
    """The sample's scores with the supernet against those after training from scratch."""
    figure = make_subplots(cols=len(BOTH), horizontal_spacing=0.12)
    set_layout(figure, None, None, height=400)
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
    set_layout(figure, None, None, height=130 + 26 * len(layers))
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


def curve_figure(networks: Sequence[Contender], curve: theme.Curve) -> go.Figure:
    """One training curve, a line per network."""
    figure = go.Figure([_curve(network, curve) for network in networks])
    set_layout(figure, theme.EPOCHS, curve.title, height=280)
    # The page has one legend for all curves.
    return figure.update_layout(hovermode="x unified", showlegend=False, margin_t=16)


def curves_figure(trainings: Mapping[str, Sequence[Contender]]) -> go.Figure:
    """All training curves: a row for each stage, a line per network."""
    figure = make_subplots(rows=len(trainings), cols=len(theme.CURVES), horizontal_spacing=0.08)
    set_layout(figure, theme.EPOCHS, None, height=60 + 260 * len(trainings))
    for row, networks in enumerate(trainings.values(), start=1):
        for column, curve in enumerate(theme.CURVES, start=1):
            for network in networks:
                line = _curve(network, curve)
                line.update(legendgroup=network.label, showlegend=column == 1)
                figure.add_trace(line, row=row, col=column)
            figure.update_yaxes(title_text=curve.title, row=row, col=column)
    return figure.update_layout(showlegend=True)


def _curve(network: Contender, curve: theme.Curve) -> go.Scatter:
    return go.Scatter(
        name=network.label,
        mode="lines" if len(network.training) > 1 else "markers",
        x=[epoch.epoch + 1 for epoch in network.training],
        y=[curve.factor * getattr(epoch, curve.name) for epoch in network.training],
        line={"color": network.colour, "width": 2, "dash": network.dash},
        hovertemplate="%{y:,.4~g}" if curve.name == "loss" else "%{y:,.1f}",
    )
