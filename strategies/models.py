"""Searches over NNI's engines, whose currency are frozen models."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nni.nas.execution import ExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, ModelEventType
from nni.nas.space import ExecutableModelSpace, ModelStatus

from autosnn_nni.search_spaces import Architecture, from_sample, to_sample
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.generations import close_generation, next_generation
from autosnn_nni.strategies.history import History, Metrics
from autosnn_nni.strategies.searches import Search

Results = dict[Architecture, Metrics]


def run_generations(
    search: Search,
    space: ExecutableModelSpace,
    engine: ExecutionEngine,
    history: History,
    on_generation: Callable[[History], object],
    known: Mapping[Architecture, Metrics] = {},
) -> None:
    """Go on from ``history`` until ``search`` is over or NNI's limits are reached.

    What is ``known`` is not evaluated again.
    """
    choices = Choices.of(space)
    while engine.budget_available():
        population = next_generation(search, choices, history)
        if not population:
            return
        fresh = [blocks for blocks in population if blocks not in known]
        results = {**known, **_evaluate(engine, space, fresh)}
        close_generation(history, population, results)
        on_generation(history)


def _evaluate(
    engine: ExecutionEngine, space: ExecutableModelSpace, population: Sequence[Architecture]
) -> Results:
    """Metrics of those models that were evaluated to the end.

    They come by NNI's event: a model itself keeps only ``default`` of them.
    """
    results: Results = {}

    def collect(event: FinalMetricEvent) -> None:
        results[from_sample(event.model.sample)] = event.metric

    models = {blocks: space.freeze(to_sample(blocks)) for blocks in population}
    engine.register_model_event_callback(ModelEventType.FinalMetric, collect)
    try:
        engine.submit_models(*models.values())
        _wait(engine, list(models.values()))
    finally:
        engine.unregister_model_event_callback(ModelEventType.FinalMetric, collect)
    trained = {blocks for blocks, model in models.items() if model.status == ModelStatus.Trained}
    return {blocks: metrics for blocks, metrics in results.items() if blocks in trained}


def _wait(engine: ExecutionEngine, models: Sequence[ExecutableModelSpace]) -> None:
    """Until all models have ended, or all that NNI's limits let begin."""
    while not all(model.status.completed() for model in models):
        if not engine.budget_available():
            engine.wait_models()
            return
        time.sleep(0.1)


def trained_models(
    space: ExecutableModelSpace, history: History, sort: bool, limit: int | None
) -> Iterator[Any]:
    """The evaluated architectures as frozen models with their metrics, fittest first."""
    ordered = history.top(len(history)) if sort else list(history)
    for one in ordered[:limit]:
        model = space.freeze(to_sample(one.blocks))
        model.metrics.final = one.fitness
        model.status = ModelStatus.Trained
        yield model
