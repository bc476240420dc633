"""Run a search on NNI's engines, which work with frozen models."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nni.nas.execution import ExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, ModelEventType
from nni.nas.space import ExecutableModelSpace, ModelStatus

from autosnn_nni.errors import UserError
from autosnn_nni.progress import progress_bar
from autosnn_nni.search_spaces import Architecture, from_sample, to_sample
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.generations import Search, close_generation, next_generation
from autosnn_nni.strategies.history import LATE, History
from autosnn_nni.strategies.measurements import Metrics, are_metrics
from autosnn_nni.strategies.population import PopulationEvaluator

#: Metrics by architecture; ``None`` if the evaluation failed.
Results = Mapping[Architecture, Metrics | None]

#: Shows how many trials have ended.
Show = Callable[[int], object]

#: Seconds between two checks of the models that are evaluated.
_POLL = 0.5


def run_generations(
    search: Search,
    space: ExecutableModelSpace,
    engine: ExecutionEngine,
    history: History,
    on_generation: Callable[[History], object],
    known: Mapping[Architecture, Metrics | None] = {},
) -> None:
    """Continue from ``history`` until ``search`` is finished or NNI's limits are reached.

    ``known`` results are not evaluated again, except in a generation that failed completely.
    """
    choices, results = Choices.of(space), dict(known)
    with _searching(space, len(history.seen | results.keys()), search.budget(choices)) as show:
        while population := next_generation(search, choices, history):
            fresh = _fresh(population, results)
            if fresh and engine.budget_available():
                start = time.time()
                ended = _beyond(len(history.seen | results.keys()), show)
                results.update(_evaluate(engine, space, fresh, ended))
                history.times[history.generations + 1] = start, time.time()
            metrics = {blocks: found for blocks in population if (found := results.get(blocks))}
            if not metrics and any(blocks not in results for blocks in population):
                return  # NNI's limits were reached before any result
            close_generation(history, population, metrics)
            on_generation(history)


@contextmanager
def _searching(space: ExecutableModelSpace, done: int, total: int) -> Iterator[Show]:
    """Context manager for the search; yields a function that shows how many trials have ended."""
    evaluator: Any = space.evaluator
    if isinstance(evaluator, PopulationEvaluator):
        with evaluator.searching(done, total):
            yield lambda ended: None
    else:
        with progress_bar("Search", total, "trials", done) as advance:
            yield lambda ended: advance(ended, "")


def _beyond(done: int, show: Show) -> Show:
    return lambda ended: show(done + ended)


def _fresh(population: Sequence[Architecture], results: Results) -> list[Architecture]:
    fresh = [blocks for blocks in population if blocks not in results]
    succeeded = any(results.get(blocks) for blocks in population)
    return fresh if fresh or succeeded else list(population)


def _evaluate(
    engine: ExecutionEngine,
    space: ExecutableModelSpace,
    population: Sequence[Architecture],
    show: Show,
) -> Results:
    """Return the results of the models that ended; raises :class:`UserError` for other metrics.

    Metrics are taken from NNI's event, because a model itself only stores ``default``, and without
    it NNI's event thread would die.
    """
    metrics: dict[Architecture, Metrics] = {}

    def collect(event: FinalMetricEvent) -> None:
        metrics[from_sample(event.model.sample)] = event.metric
        event.prevent_default()

    models = {blocks: space.freeze(to_sample(blocks)) for blocks in population}
    engine.register_model_event_callback(ModelEventType.FinalMetric, collect)
    try:
        engine.submit_models(*models.values())
        _wait(engine, models, metrics, show)
    finally:
        engine.unregister_model_event_callback(ModelEventType.FinalMetric, collect)
    if not all(are_metrics(one) for one in metrics.values()):
        raise UserError(
            "evaluators must report default, accuracy and spikes, as TrialEvaluator does"
        )
    trained = _trained(models)
    return {
        blocks: metrics.get(blocks) if blocks in trained else None
        for blocks, model in models.items()
        if model.status.completed()
    }


def _wait(
    engine: ExecutionEngine,
    models: Mapping[Architecture, ExecutableModelSpace],
    metrics: Mapping[Architecture, Metrics],
    show: Show,
) -> None:
    """Wait until all models (or all that NNI's limits allow) have ended and have their metrics."""
    while (ended := _ended(models)) < len(models):
        show(ended)
        if not engine.budget_available():
            engine.wait_models()
            break
        time.sleep(_POLL)
    show(_ended(models))
    end = time.monotonic() + LATE
    while not _trained(models) <= metrics.keys() and time.monotonic() < end:
        time.sleep(_POLL)


def _ended(models: Mapping[Architecture, ExecutableModelSpace]) -> int:
    return sum(model.status.completed() for model in models.values())


def _trained(models: Mapping[Architecture, ExecutableModelSpace]) -> set[Architecture]:
    return {blocks for blocks, model in models.items() if model.status == ModelStatus.Trained}


def trained_models(
    search: Search, space: ExecutableModelSpace, history: History, sort: bool, limit: int | None
) -> Iterator[Any]:
    """Yield the evaluated architectures as frozen models with their metrics, fittest first.

    Those that are infeasible for ``search`` come last.
    """
    ordered = history.top(len(history), search.constraints) if sort else list(history)
    for one in ordered[:limit]:
        model = space.freeze(to_sample(one.blocks))
        model.metrics.final = one.fitness
        model.status = ModelStatus.Trained
        yield model
