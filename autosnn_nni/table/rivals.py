"""Other people's searches on a table: NNI's strategies and Optuna's samplers.

``pip install 'autosnn-nni[table]'`` brings what they need.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import optuna
from nni.nas import strategy as nni_strategies
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, ModelEventType
from nni.nas.strategy import hpo
from optuna.samplers import NSGAIISampler, TPESampler

from autosnn_nni.search_spaces import Architecture, from_sample
from autosnn_nni.strategies import Choices
from autosnn_nni.table.benchmark import TableEvaluator, TableSpace
from autosnn_nni.table.judge import RunSearch, Seen
from autosnn_nni.table.scores import Scores

#: Optuna's samplers propose at most so many architectures, repeats included.
_PROPOSALS = 600


def _nni(
    make: Callable[[int], Any], scores: Scores, choices: Choices, seed: int, budget: int
) -> list[Seen]:
    """Run one of NNI's strategies, which maximises the fitness."""
    space = TableSpace(TableEvaluator(scores.table, scores.fitness, scores.seed))
    engine, seen = SequentialExecutionEngine(max_model_count=budget), []

    def collect(event: FinalMetricEvent) -> None:
        seen.append((from_sample(event.model.sample), event.metric["default"]))

    engine.register_model_event_callback(ModelEventType.FinalMetric, collect)
    with _quietly(), _without_pauses():
        make(seed)(space, engine)
    return seen


@contextmanager
def _quietly() -> Iterator[None]:
    """NNI logs several lines for every search."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _without_pauses() -> Iterator[None]:
    """NNI's TPE sleeps for a second after every architecture, which here takes no time."""
    before: Any = hpo.time
    hpo.time = SimpleNamespace(sleep=lambda seconds: None)
    try:
        yield
    finally:
        hpo.time = before


def _optuna(
    make: Callable[[int], Any], scores: Scores, choices: Choices, seed: int, budget: int
) -> list[Seen]:
    """Run one of Optuna's samplers, with accuracy and spikes as two objectives.

    They propose some architectures several times; only the first time counts as an evaluation.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=make(seed))
    seen: dict[Architecture, float] = {}

    def objective(trial: Any) -> tuple[float, float]:
        blocks = tuple(
            trial.suggest_categorical(f"tbd{number}", list(candidates))
            for number, candidates in enumerate(choices, start=1)
        )
        found = scores(blocks)
        seen.setdefault(blocks, found["default"])
        if len(seen) == min(budget, choices.size):
            study.stop()
        return found["accuracy"], found["spikes"]

    study.optimize(objective, n_trials=_PROPOSALS)
    return list(seen.items())


#: By the name in tables. Populations are those of the package: NNI's own would be half the budget.
RIVALS: dict[str, RunSearch] = {
    "NNI random": partial(_nni, lambda seed: nni_strategies.Random(seed=seed)),
    "NNI grid": partial(_nni, lambda seed: nni_strategies.GridSearch(seed=seed)),
    "NNI evolution": partial(
        _nni,
        lambda seed: nni_strategies.RegularizedEvolution(
            population_size=20, sample_size=5, mutation_prob=0.2, seed=seed
        ),
    ),
    "NNI TPE": partial(_nni, lambda seed: nni_strategies.TPE("maximize", seed)),
    "Optuna NSGA-II": partial(_optuna, lambda seed: NSGAIISampler(population_size=20, seed=seed)),
    "Optuna TPE": partial(_optuna, lambda seed: TPESampler(seed=seed)),
}
