"""The line at the top of a report."""

import math

from autosnn_nni.numbers import counted, format_accuracy, format_spikes
from autosnn_nni.runs.contents import Best, Result, RunContents
from autosnn_nni.runs.search_warnings import unsatisfied
from autosnn_nni.scoring.spread import Spread, spread


def headline(run: RunContents) -> str:
    """The headline of the page: the result of the last stage that has one."""
    if run.result:
        return f"{run.result.title}: {_tested_score(run.result)}"
    if run.best:
        return f"{', '.join(run.best.blocks)}: {_searched_score(run.best)}"
    if run.closest:
        return f"No architecture satisfies {unsatisfied(run)}"
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
            return f"{name} after {counted(len(epochs), 'epoch')}: {score}"
    return "Nothing has been trained in this run yet"


def _score(accuracy: Spread, split: str, spikes: Spread) -> str:
    accurate = f"{format_accuracy(accuracy.mean, accuracy.std)} {split} accuracy"
    return f"{accurate} with {format_spikes(spikes.mean, spikes.std)} spikes per image"
