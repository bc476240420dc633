"""Computations for the report: fronts, best candidates, sums. Nothing is drawn here."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from autosnn_nni.energy import ENERGY
from autosnn_nni.numbers import format_accuracy, format_spikes
from autosnn_nni.report.theme import BASELINES, CANDIDATE, FRONT, TIMES, WINNER
from autosnn_nni.runs.contents import (
    Baseline,
    Best,
    Candidate,
    Epoch,
    Operations,
    Result,
    RunContents,
    Stage,
    constraints_of,
    objectives_of,
)
from autosnn_nni.scoring.ranking import Judged, best_fifth
from autosnn_nni.scoring.spread import Spread, compared, spread
from autosnn_nni.search_spaces import split_timesteps
from autosnn_nni.strategies import (
    ACCURACY,
    SPIKES,
    Constraints,
    Objective,
    find_objective,
    front_of,
    knee,
)

_AXES = ("accuracy", "spikes")


@dataclass(frozen=True)
class Progress:
    """The progress of the search, step by step; the tuples have the same length."""

    unit: str
    steps: tuple[int, ...]
    best_of_step: tuple[Candidate, ...]
    best_so_far: tuple[Candidate, ...]


@dataclass(frozen=True)
class Contender:
    """The network of the run, or a baseline, as shown in the comparison."""

    label: str
    colour: str
    result: Result | None
    training: tuple[Epoch, ...]


@dataclass(frozen=True)
class WithErrorBars:
    """A network of the comparison that was trained with several seeds."""

    label: str
    colour: str
    accuracy: Spread
    spikes: Spread


@dataclass(frozen=True)
class Optimum:
    """The fittest evaluated architecture for every lambda from ``lowest`` to ``highest``."""

    candidate: Candidate
    lowest: float
    highest: float


def optima(candidates: Sequence[Candidate], cost: Objective = SPIKES) -> list[Optimum]:
    """The fittest architecture for every lambda (Eq. 3) from minus infinity to 0, by ``cost``.

    The logarithm of the fitness is linear in lambda, so these are the corners of the upper hull of
    log accuracy over log cost.
    """

    def slope(one: Candidate, other: Candidate) -> float:
        accuracies, costs = other.accuracy / one.accuracy, cost.value(other) / cost.value(one)
        return math.log(accuracies) / math.log(costs)

    hull: list[Candidate] = []
    for candidate in front_of(candidates, (ACCURACY, cost)):
        if candidate.accuracy <= 0 or cost.value(candidate) <= 0:
            continue
        if hull and cost.value(hull[-1]) == cost.value(candidate):  # equal ones stand together
            continue
        while len(hull) > 1 and slope(hull[-2], hull[-1]) <= slope(hull[-1], candidate):
            hull.pop()
        hull.append(candidate)
    if not hull:
        return []
    turns = [-slope(one, other) for one, other in itertools.pairwise(hull)]
    bounds = itertools.pairwise([-math.inf, *turns, 0.0])
    return [Optimum(one, *between) for one, between in zip(hull, bounds, strict=True)]


@dataclass(frozen=True)
class OnFront:
    """An architecture on the Pareto front, and the lambdas for which it is the fittest, if any."""

    candidate: Candidate
    optimum: Optimum | None
    is_knee: bool
    feasible: bool


def front(run: RunContents) -> list[OnFront]:
    """The Pareto front of the evaluated architectures, sorted by the first cost."""
    known = with_accuracy(run.candidates)
    best_for = {one.candidate: one for one in optima(known, fitness_cost(run))}
    at_knee, allowed = knee_of(run), set(feasible(run))
    return [
        OnFront(one, best_for.get(one), one == at_knee, one in allowed)
        for one in front_of(known, objectives_of(run.settings))
    ]


def costs(run: RunContents) -> list[Objective]:
    """The objectives of the run beside accuracy."""
    return [one for one in objectives_of(run.settings) if one.name != "accuracy"]


def search_figures(run: RunContents) -> dict[str, Objective]:
    """The cost on the x axis of each figure of the search, by the figure's name."""
    first, *others = costs(run)
    named = {f"search-{one.name.replace(':', '-')}": one for one in others}
    return {"search": first, **named}


def fitness_cost(run: RunContents) -> Objective:
    """The cost in the fitness of the run's search."""
    return find_objective(run.settings.get("fitness", "spikes"))


def constraints(run: RunContents) -> Constraints:
    """The constraints on the best architecture of the run."""
    return constraints_of(run.settings)


def feasible(run: RunContents) -> list[Candidate]:
    """The evaluated architectures that satisfy the constraints."""
    bounds = constraints(run)
    return [one for one in run.candidates if not bounds.violation(one)]


def knee_of(run: RunContents) -> Candidate | None:
    """The architecture that ``autosnn train --pick knee`` trains."""
    return knee(feasible(run), costs(run)[0])


def top_candidates(candidates: Sequence[Candidate], count: int = 10) -> list[Candidate]:
    """The ``count`` fittest architectures; of equal ones, the earlier evaluated comes first."""
    return sorted(candidates, key=_fitness, reverse=True)[:count]


def with_accuracy(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates with a known accuracy; none in a search without training."""
    return [candidate for candidate in candidates if not math.isnan(candidate.accuracy)]


def search_progress(candidates: Sequence[Candidate]) -> Progress:
    """The best fitness by generation, or by evaluation if there is only one generation."""
    generations = len({candidate.generation for candidate in candidates}) > 1
    best_of_step: dict[int, Candidate] = {}
    for candidate in candidates:
        step = candidate.generation if generations else candidate.order
        best_of_step[step] = _fitter(best_of_step.get(step, candidate), candidate)
    steps = sorted(best_of_step)
    best = [best_of_step[step] for step in steps]
    leaders = itertools.accumulate(best, _fitter)
    return Progress(
        "generation" if generations else "evaluation", tuple(steps), tuple(best), tuple(leaders)
    )


def trust_groups(judged: Sequence[Judged]) -> list[tuple[Sequence[Judged], str, str]]:
    """Groups in the figure of the sample with label and colour; later ones are on top."""
    return [
        (judged, "Architecture of the sample", CANDIDATE),
        (best_fifth(judged), "Most accurate fifth", FRONT),
    ]


def _fitter(one: Candidate, other: Candidate) -> Candidate:
    return max(one, other, key=_fitness)


def _fitness(candidate: Candidate) -> float:
    return -math.inf if math.isnan(candidate.fitness) else candidate.fitness


def subject(run: RunContents) -> str:
    """The report's name for the network of this run; only a search has a winner."""
    return "Winner" if run.best or run.candidates else "Network"


def contenders(run: RunContents) -> list[Contender]:
    """The run's network, then the baselines."""
    own = [Contender(subject(run), WINNER, run.result, run.training)]
    return (own if run.result or run.training else []) + [
        Contender(_baseline_label(baseline), colour, baseline.result, baseline.training)
        for baseline, colour in zip(run.baselines, itertools.cycle(BASELINES), strict=False)
    ]


def with_error_bars(run: RunContents) -> list[WithErrorBars]:
    """The networks to compare that were trained with several seeds, if there are two or more."""
    found = [
        WithErrorBars(one.label, one.colour, *(one.result.spreads[key] for key in _AXES))
        for one in contenders(run)
        if one.result and one.result.seeds > 1
    ]
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
    supernet = [Contender("Supernet", FRONT, None, run.supernet)] if run.supernet else []
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


def headline(run: RunContents) -> str:
    """The headline of the page: the result of the last stage that has one."""
    if run.result:
        return f"{run.result.title}: {_tested_score(run.result)}"
    if run.best:
        return f"{', '.join(run.best.blocks)}: {_searched_score(run.best)}"
    if run.candidates:
        return f"Search in progress: {len(run.candidates):,} architectures evaluated"
    return _training_headline(run)


def _tested_score(result: Result) -> str:
    score = _score(result.spreads["accuracy"], "test", result.spreads["spikes"])
    return f"{score}, mean of {result.seeds} seeds" if result.seeds > 1 else score


def _searched_score(best: Best) -> str:
    if math.isnan(best.accuracy):
        return f"score {best.fitness:,.2f} without training"
    score = _score(spread([best.accuracy]), "validation", spread([best.spikes]))
    return f"{score}, with weights inherited from the supernet"


def _training_headline(run: RunContents) -> str:
    for name, epochs in (("Network", run.training), ("Supernet", run.supernet)):
        if epochs:
            last = epochs[-1]
            score = _score(spread([last.accuracy]), "training", spread([last.spikes]))
            return f"{name} after {_count(len(epochs), 'epoch')}: {score}"
    return "Nothing has been trained in this run yet"


def _score(accuracy: Spread, split: str, spikes: Spread) -> str:
    accurate = f"{format_accuracy(accuracy.mean, accuracy.std)} {split} accuracy"
    return f"{accurate} with {format_spikes(spikes.mean, spikes.std)} spikes per image"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
