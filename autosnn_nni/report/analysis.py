"""Computations on networks for the report: what is compared, sums. Nothing is drawn here."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from autosnn_nni.energy import ENERGY
from autosnn_nni.numbers import format_spikes
from autosnn_nni.report.theme import (
    BASELINE_DASHES,
    BASELINES,
    CANDIDATE,
    FRONT,
    NETWORK_DASH,
    TIMES,
    WINNER,
)
from autosnn_nni.runs.contents import (
    Baseline,
    Epoch,
    Operations,
    Result,
    RunContents,
    Stage,
)
from autosnn_nni.scoring.ranking import Judged, best_fifth
from autosnn_nni.scoring.spread import Spread, compared
from autosnn_nni.search_spaces import split_timesteps

_AXES = ("accuracy", "spikes")


@dataclass(frozen=True)
class Contender:
    """The network of the run, or a baseline, as shown in the comparison."""

    label: str
    colour: str
    dash: str
    result: Result | None
    training: tuple[Epoch, ...]


@dataclass(frozen=True)
class WithErrorBars:
    """A network of the comparison; a standard deviation is NaN with a single seed."""

    label: str
    colour: str
    accuracy: Spread
    spikes: Spread


def trust_groups(judged: Sequence[Judged]) -> list[tuple[Sequence[Judged], str, str]]:
    """Groups in the figure of the ranking with label and colour; later ones are on top."""
    return [
        (judged, "Architecture", CANDIDATE),
        (best_fifth(judged), "Most accurate fifth", FRONT),
    ]


def subject(run: RunContents) -> str:
    """The report's name for the network of this run; only a search has a winner."""
    return "Winner" if run.best or run.candidates else "Network"


def contenders(run: RunContents) -> list[Contender]:
    """The run's network, then the baselines."""
    own = [Contender(subject(run), WINNER, NETWORK_DASH, run.result, run.training)]
    looks = zip(itertools.cycle(BASELINES), itertools.cycle(BASELINE_DASHES), strict=True)
    return (own if run.result or run.training else []) + [
        Contender(_baseline_label(baseline), *look, baseline.result, baseline.training)
        for baseline, look in zip(run.baselines, looks, strict=False)
    ]


def tested(run: RunContents) -> list[WithErrorBars]:
    """The networks to compare that are trained."""
    return [
        WithErrorBars(one.label, one.colour, *(one.result.spreads[key] for key in _AXES))
        for one in contenders(run)
        if one.result
    ]


def with_error_bars(run: RunContents) -> list[WithErrorBars]:
    """The networks to compare that were trained with several seeds, if there are two or more."""
    found = [one for one in tested(run) if one.accuracy.count > 1]
    return found if len(found) > 1 else []


def comparisons(run: RunContents) -> list[str]:
    """How the run's network differs from each baseline, a line each; none with a single seed."""
    if run.result is None:
        return []
    lines = (
        compared(subject(run), run.result.spreads, _baseline_label(one), one.result.spreads)
        for one in run.baselines
        if one.result
    )
    return [line for line in lines if line]


def _baseline_label(baseline: Baseline) -> str:
    filled = baseline.result is None or set(baseline.result.blocks) == {baseline.name}
    return f"{baseline.name} throughout" if filled else baseline.name


def trainings(run: RunContents) -> dict[str, list[Contender]]:
    """The training curves of the run by stage: the supernet, and single networks."""
    supernet = (
        [Contender("Supernet", FRONT, NETWORK_DASH, None, run.supernet)] if run.supernet else []
    )
    single = [network for network in contenders(run) if network.training]
    return {
        name: networks
        for name, networks in (("supernet", supernet), ("training", single))
        if networks
    }


def stages(run: RunContents) -> tuple[Stage, ...]:
    """The stages to draw: the whole network if it is known, else only its TBD blocks."""
    if run.result and run.result.stages:
        return run.result.stages
    known = run.result or run.best
    blocks, _ = split_timesteps(known.blocks if known else ())
    return tuple(Stage(f"tbd{i}", "tbd", block) for i, block in enumerate(blocks, start=1))


def chosen_timesteps(run: RunContents) -> int | None:
    """The timesteps of the winner if they were searched."""
    return split_timesteps(run.best.blocks)[1] if run.best else None


def stage_spikes(stage: Stage, result: Result | None) -> float | None:
    """Spikes of all layers in ``stage``; ``None`` if none of its layers outputs spikes."""
    layers = result.layers if result else ()
    spikes = [
        layer.spikes
        for layer in layers
        if layer.name == stage.name or layer.name.startswith(f"{stage.name}.")
    ]
    return sum(spikes) if spikes else None


@dataclass(frozen=True)
class Energy:
    """The energy per image by a model, and what the model says; empty if it is not known here."""

    title: str
    joules: float
    synop: str
    mac: str
    source: str


def energies(run: RunContents) -> list[Energy]:
    """The energy of the trained network by every model, in the models' order."""
    found = run.result.energy if run.result and run.result.operations else {}
    return [_energy(name, joules) for name, joules in found.items()]


def _energy(name: str, joules: float) -> Energy:
    if name not in ENERGY:  # a plugin's
        return Energy(name, joules, "", "", "")
    model = ENERGY[name]
    return Energy(model.title, joules, f"{model.synop:g}", f"{model.mac:g}", model.source)


def energy_shares(run: RunContents) -> list[tuple[Operations, float]]:
    """Every layer with weights and its share of the energy by the first model."""
    layers = run.result.operations if run.result else ()
    model = next(iter(ENERGY.values()))
    joules = [model.joules(layer.synops, layer.macs) for layer in layers]
    total = sum(joules) or 1.0
    return [(layer, one / total) for layer, one in zip(layers, joules, strict=True)]


def stage_shape(stage: Stage) -> str:
    """Output of a stage, channels x height x width; empty before the network is built."""
    if stage.out_channels is None or stage.size is None:
        return ""
    plane = f" {TIMES} {stage.size} {TIMES} {stage.size}" if stage.size > 1 else ""
    return f"{stage.out_channels}{plane}"


def stage_caption(stage: Stage, result: Result | None) -> str:
    """The caption of a stage: its spikes; empty before the network is trained."""
    if result is None:
        return ""
    spikes = stage_spikes(stage, result)
    return "adds no spikes" if spikes is None else f"{format_spikes(spikes)} spikes"
