"""Figures in words, a sentence each: for people who do not see them."""

from collections.abc import Mapping, Sequence

from autosnn_nni.numbers import counted, format_accuracy, format_spikes, format_tau
from autosnn_nni.report.analysis import Contender, WithErrorBars
from autosnn_nni.report.search import best_so_far, knee_of, with_accuracy
from autosnn_nni.report.theme import Curve
from autosnn_nni.runs.contents import Candidate, Epoch, Layer, RunContents
from autosnn_nni.scoring.ranking import Agreement
from autosnn_nni.strategies import ACCURACY, Measurements, Objective, front_of


def of_search(run: RunContents, cost: Objective) -> str:
    """Where the front lies, and on it the knee and the winner."""
    known = with_accuracy(run.candidates)
    front = front_of(known, (ACCURACY, cost))
    marked = {"the winner reaches": run.best, "the knee": knee_of(run)}
    said = [f"{what} {_scores(one, cost)}" for what, one in marked.items() if one]
    ends = f"from {_scores(front[0], cost)} to {_scores(front[-1], cost)}" if front else "empty"
    return (
        f"Accuracy against {cost.label} of {counted(len(known), 'evaluated architecture')}: "
        f"the Pareto front has {len(front)}, {ends}{''.join(f'; {one}' for one in said)}."
    )


def _scores(one: Measurements, cost: Objective) -> str:
    value = cost.text(cost.value(one))
    named = value if cost.unit else f"{value} {cost.title}"
    return f"{format_accuracy(one.accuracy)} with {named}"


def of_fitness(candidates: Sequence[Candidate]) -> str:
    """Where the best fitness starts and ends, and when it was found."""
    best = best_so_far(candidates)
    return (
        f"Fitness by evaluation: the best so far rises from {best[0].fitness:.4f} to "
        f"{best[-1].fitness:.4f}, found by evaluation {best[-1].order:,} of {len(best):,}."
    )


def of_comparison(networks: Sequence[WithErrorBars]) -> str:
    """Mean accuracy and spikes of every network."""
    said = (
        f"{one.label} {format_accuracy(one.accuracy.mean, one.accuracy.std)} with "
        f"{format_spikes(one.spikes.mean, one.spikes.std)} spikes"
        for one in networks
    )
    return f"Test accuracy against spikes per image: {'; '.join(said)}."


def of_trust(found: Mapping[tuple[str, str], Agreement]) -> str:
    """Kendall's tau of accuracy and spikes."""
    taus = [
        f"{format_tau(one.tau)} for {name}"
        for (name, among), one in found.items()
        if among == "all"
    ]
    return (
        "Scores by the supernet against those after training from scratch: Kendall's tau is "
        f"{' and '.join(taus)}."
    )


def of_layers(layers: Sequence[Layer]) -> str:
    """The layers with most spikes, and with the highest firing rate."""
    most = max(layers, key=lambda one: one.spikes)
    fastest = max(layers, key=lambda one: one.firing_rate or 0.0)
    return (
        f"Spikes and firing rate of {counted(len(layers), 'layer')}: {most.name} has most spikes, "
        f"{format_spikes(most.spikes)} per image, and {fastest.name} the highest rate, "
        f"{fastest.firing_rate or 0.0:.3f}."
    )


def of_curve(networks: Sequence[Contender], curve: Curve) -> str:
    """Where the curve of every network starts and ends."""
    said = (
        f"{one.label} from {_value(one.training[0], curve)} to {_value(one.training[-1], curve)} "
        f"in {counted(len(one.training), 'epoch')}"
        for one in networks
    )
    return f"{curve.title} by epoch: {'; '.join(said)}."


def _value(epoch: Epoch, curve: Curve) -> str:
    return f"{curve.factor * getattr(epoch, curve.name):,.4g}"
