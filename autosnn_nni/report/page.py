"""The page of a run: the values for its template."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autosnn_nni import numbers
from autosnn_nni.report import (
    analysis,
    cells,
    descriptions,
    plotly_figures,
    plotly_search,
    search,
    theme,
)
from autosnn_nni.report.headlines import headline
from autosnn_nni.report.templates import Drawing, drawing, render_template, setting_text
from autosnn_nni.runs.contents import Epoch, Result, RunContents
from autosnn_nni.runs.search_warnings import warnings_of
from autosnn_nni.runs.used_settings import used_settings
from autosnn_nni.scoring.ranking import Agreement, agreements, regret
from autosnn_nni.scoring.spread import MEASURED

_CONTEXT_KEYS = ("dataset", "space", "channels", "timesteps", "neuron", "strategy", "seed")
_CONTEXT_UNITS = {"channels": "{} channels", "timesteps": "{} timesteps", "seed": "seed {}"}


@dataclass(frozen=True)
class Card:
    """A number at the top of the page."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Drawn:
    """A stage of the network, as drawn on the page."""

    name: str
    block: str
    shape: str
    caption: str
    colour: str
    kind: str


def render(run: RunContents) -> str:
    """Render the whole page as HTML."""
    stages = _stages(run)
    front, found = search.front(run), agreements(run.judged) if run.judged else {}
    settings = used_settings(run.settings)
    return render_template(
        "page.html",
        _figures(run, found),
        run=run,
        headline=headline(run),
        context=_context(run.settings),
        warnings=warnings_of(run),
        cards=_cards(run),
        subject=analysis.subject(run),
        stages=stages,
        timesteps=analysis.chosen_timesteps(run),
        kinds={stage.kind: stage.colour for stage in stages},
        comparison=[network for network in analysis.contenders(run) if network.result],
        has_baselines=any(baseline.result for baseline in run.baselines),
        comparisons=analysis.comparisons(run),
        seeds=run.result.seeds if run.result else 1,
        front=front,
        costs=search.costs(run),
        fitness_cost=search.fitness_cost(run),
        searches=search.search_figures(run),
        constraints=str(search.constraints(run)),
        path=shlex.quote(str(run.path)),
        top=search.top_candidates(run.candidates),
        agreements=found,
        regret=regret(run.judged) if run.judged else None,
        sliders=cells.sliders(run, front),
        worths=cells.worth_table(run),
        trained=bool(search.with_accuracy(run.candidates)),
        energies=analysis.energies(run),
        energy_shares=analysis.energy_shares(run),
        trainings=analysis.trainings(run),
        augmented=settings.get("augmentation") not in (None, "none"),
        settings=[(key.replace("_", " "), setting_text(value)) for key, value in settings.items()],
    )


def _figures(run: RunContents, found: Mapping[tuple[str, str], Agreement]) -> dict[str, Drawing]:
    figures: dict[str, Drawing] = {}

    def add(name: str, figure: Any, description: str) -> None:
        figures[name] = drawing(name, figure, description)

    if search.with_accuracy(run.candidates):
        for name, cost in search.search_figures(run).items():
            drawn = plotly_search.search_figure(run, cost)
            add(name, drawn, descriptions.of_search(run, cost))
    if run.candidates:
        drawn = plotly_search.fitness_figure(run.candidates)
        add("fitness", drawn, descriptions.of_fitness(run.candidates))
    if compared := analysis.with_error_bars(run):
        drawn = plotly_figures.comparison_figure(compared)
        add("comparison", drawn, descriptions.of_comparison(compared))
    if run.judged:
        add("trust", plotly_figures.trust_figure(run.judged), descriptions.of_trust(found))
    if run.result and run.result.layers:
        layers = run.result.layers
        add("layers", plotly_figures.layers_figure(layers), descriptions.of_layers(layers))
    for stage, networks in analysis.trainings(run).items():
        for curve in theme.CURVES:
            drawn = plotly_figures.curve_figure(networks, curve)
            add(f"{stage}-{curve.name}", drawn, descriptions.of_curve(networks, curve))
    return figures


def _stages(run: RunContents) -> list[Drawn]:
    return [
        Drawn(
            name=stage.name,
            block=stage.block,
            shape=analysis.stage_shape(stage),
            caption=analysis.stage_caption(stage, run.result),
            colour=theme.kind_colour(stage.kind),
            kind=theme.kind_label(stage.kind),
        )
        for stage in analysis.stages(run)
    ]


def _context(settings: dict[str, Any]) -> list[str]:
    return [
        _CONTEXT_UNITS.get(key, "{}").format(setting_text(settings[key]))
        for key in _CONTEXT_KEYS
        if settings.get(key) is not None
    ]


def _cards(run: RunContents) -> list[Card]:
    cards = _result_cards(run.result) if run.result else []
    if run.candidates:
        front = len(search.front(run))
        note = f"architectures, {front} on the front" if front else "architectures"
        cards.append(Card("Evaluated", f"{len(run.candidates):,}", note))
    if run.supernet:
        cards.append(_training_card("Supernet", run.supernet))
    if run.training:
        cards.append(_training_card("Retraining" if run.supernet else "Training", run.training))
    return cards


def _result_cards(result: Result) -> list[Card]:
    accuracy, spikes, rate = (result.spreads[name] for name in MEASURED)
    several = result.seeds > 1
    points = f"{numbers.PLUS_MINUS} {numbers.format_accuracy(accuracy.std)}, {result.seeds} seeds"
    counted = (
        f"per image, {numbers.PLUS_MINUS}\N{NO-BREAK SPACE}{numbers.format_spikes(spikes.std)}"
    )
    return [
        Card("Test accuracy", numbers.format_accuracy(accuracy.mean), points if several else ""),
        Card("Spikes", numbers.format_spikes(spikes.mean), counted if several else "per image"),
        Card("Firing rate", numbers.format_rate(rate.mean), "per neuron per timestep"),
        Card("Parameters", f"{result.parameters:,}", f"{result.neurons:,} neurons"),
    ]


def _training_card(title: str, epochs: tuple[Epoch, ...]) -> Card:
    duration = numbers.format_seconds(sum(epoch.seconds for epoch in epochs))
    return Card(title, duration, numbers.counted(len(epochs), "epoch"))
