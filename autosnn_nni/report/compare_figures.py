"""The figures of the comparison of runs, drawn with plotly, and what they show in words."""

from collections.abc import Sequence

import plotly.graph_objects as go

from autosnn_nni.numbers import format_accuracy, format_spikes
from autosnn_nni.report import theme
from autosnn_nni.report.compare import Compared, OfSeed, front, of_seeds
from autosnn_nni.report.plotly_layout import set_layout
from autosnn_nni.report.plotly_search import cost_text
from autosnn_nni.runs.contents import Best, Candidate
from autosnn_nni.strategies import Objective


def fronts_figure(runs: Sequence[Compared], cost: Objective) -> go.Figure:
    """The Pareto fronts of all runs over each other, and their winners as stars."""
    figure = go.Figure()
    for one in runs:
        if found := front(one, cost):
            line = {"shape": "hv", "width": 2, "color": one.colour, "dash": one.dash}
            marker = {"size": 8, "color": one.colour, "symbol": one.symbol}
            trace = _architectures(found, cost, one.label)
            figure.add_trace(trace.update(mode="lines+markers", line=line, marker=marker))
        if one.run.best:
            star = {"size": 16, "color": one.colour, "symbol": "star"}
            trace = _architectures([one.run.best], cost, f"{one.label}, winner")
            figure.add_trace(trace.update(mode="markers", marker=star))
    figure.update_traces(marker_line={"width": 1, "color": "white"})
    set_layout(figure, theme.axis_title(cost), theme.VALIDATION_ACCURACY, height=460)
    if cost.unit:
        figure.update_xaxes(tickformat="~s", ticksuffix=cost.unit)
    return figure.update_layout(showlegend=True)


def _architectures(found: Sequence[Candidate | Best], cost: Objective, label: str) -> go.Scatter:
    return go.Scatter(
        name=label,
        x=[cost.value(one) for one in found],
        y=[100 * one.accuracy for one in found],
        text=[", ".join(one.blocks) for one in found],
        customdata=[cost_text(one, cost) for one in found],
        hovertemplate=f"<b>{label}</b><br>%{{text}}<br>%{{y:.1f}} % validation accuracy"
        "<br>%{customdata}<extra></extra>",
    )


def fronts_in_words(runs: Sequence[Compared], cost: Objective) -> str:
    """The ends of every front."""
    said = []
    for one in runs:
        if found := front(one, cost):
            first, last = (
                f"{format_accuracy(each.accuracy)} with {cost_text(each, cost)}"
                for each in (found[0], found[-1])
            )
            said.append(f"{one.label} has {len(found)} on it, from {first} to {last}")
    return f"Pareto fronts of accuracy and {cost.label}: {'; '.join(said)}."


def seeds_figure(runs: Sequence[Compared]) -> go.Figure:
    """Test accuracy against spikes of every trained network, a point for each seed."""
    figure = go.Figure([_seeds(one, found) for one in runs if (found := of_seeds(one))])
    set_layout(figure, theme.SPIKES, theme.TEST_ACCURACY, height=360)
    return figure.update_layout(showlegend=True)


def _seeds(one: Compared, found: Sequence[OfSeed]) -> go.Scatter:
    return go.Scatter(
        name=one.label,
        mode="markers",
        x=[each.spikes for each in found],
        y=[100 * each.accuracy for each in found],
        text=[f"seed {each.seed}" for each in found],
        marker={"size": 10, "color": one.colour, "symbol": one.symbol},
        hovertemplate=f"<b>{one.label}</b>, %{{text}}<br>%{{y:.1f}} % test accuracy"
        "<br>%{x:,.0f} spikes per image<extra></extra>",
    )


def seeds_in_words(runs: Sequence[Compared]) -> str:
    """The results of every run and seed."""
    said = (
        f"{one.label} with seed {each.seed} {format_accuracy(each.accuracy)} with "
        f"{format_spikes(each.spikes)} spikes"
        for one in runs
        for each in of_seeds(one)
    )
    return f"Test accuracy against spikes per image: {'; '.join(said)}."
