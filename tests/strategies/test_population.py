from collections.abc import Callable, Mapping, Sequence
from typing import Any

import nni
import pytest
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.execution.event import FinalMetricEvent, ModelEventType, TrainingEndEvent
from nni.nas.space import ModelStatus, RawFormatModelSpace
from torch import nn

from autosnn_nni.search_spaces import SpikingSpace, from_sample, to_sample
from autosnn_nni.strategies import Metrics, PopulationEngine, PopulationEvaluator

POPULATION = [
    ("skip", "skip", "SCB_k3", "skip", "SRB_k3"),
    ("SCB_k3", "SCB_k5", "skip", "skip", "skip"),
    ("SRB_k5", "SRB_k5", "SRB_k5", "skip", "SCB_k3"),
]


class CountSkips(PopulationEvaluator):
    """A stub: the more skips, the fitter."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.calls: list[list[dict[str, str]]] = []
        self.supernets: list[nn.Module] = []

    def evaluate_population(
        self, supernet: nn.Module, samples: Sequence[Mapping[str, str]]
    ) -> list[Metrics]:
        self.calls.append([dict(sample) for sample in samples])
        self.supernets.append(supernet)
        if self.fails:
            raise RuntimeError("out of memory")
        skips = [list(sample.values()).count("skip") for sample in samples]
        return [{"default": skip / 5, "accuracy": 0.5, "spikes": 10.0 * skip} for skip in skips]

    def evaluate(self, model: Any) -> Metrics:
        raise AssertionError("a population is scored in one call")


@pytest.fixture
def events() -> list[Any]:
    return []


@pytest.fixture
def engine(events: list[Any]) -> PopulationEngine:
    engine = PopulationEngine()
    for kind in (ModelEventType.FinalMetric, ModelEventType.TrainingEnd):
        engine.register_model_event_callback(kind, events.append)
    return engine


@pytest.fixture
def space(make_space: Callable[..., SpikingSpace]) -> SpikingSpace:
    return make_space()


def frozen(space: SpikingSpace, evaluator: Any) -> list[RawFormatModelSpace]:
    whole = RawFormatModelSpace(space, evaluator)
    return [whole.freeze(to_sample(blocks)) for blocks in POPULATION]


def test_a_population_is_scored_in_one_call(engine: PopulationEngine, space: SpikingSpace) -> None:
    evaluator = CountSkips()
    engine.submit_models(*frozen(space, evaluator))
    assert evaluator.calls == [[to_sample(blocks) for blocks in POPULATION]]
    assert evaluator.supernets == [space]


def test_every_model_s_event_carries_its_own_metrics(
    engine: PopulationEngine, space: SpikingSpace, events: list[Any]
) -> None:
    engine.submit_models(*frozen(space, CountSkips()))
    metrics = {
        from_sample(event.model.sample): event.metric
        for event in events
        if isinstance(event, FinalMetricEvent)
    }
    assert metrics == {
        POPULATION[0]: {"default": 0.6, "accuracy": 0.5, "spikes": 30.0},
        POPULATION[1]: {"default": 0.6, "accuracy": 0.5, "spikes": 30.0},
        POPULATION[2]: {"default": 0.2, "accuracy": 0.5, "spikes": 10.0},
    }


def test_models_end_trained_with_the_fitness_as_nni_s_metric(
    engine: PopulationEngine, space: SpikingSpace, events: list[Any]
) -> None:
    models = frozen(space, CountSkips())
    engine.submit_models(*models)
    assert [model.status for model in models] == [ModelStatus.Trained] * 3
    assert [model.metric for model in models] == [0.6, 0.6, 0.2]
    ends = [event for event in events if isinstance(event, TrainingEndEvent)]
    assert [event.model for event in ends] == models
    assert list(engine.list_models()) == models


def test_a_population_that_fails_is_an_error(
    engine: PopulationEngine, space: SpikingSpace, events: list[Any]
) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        engine.submit_models(*frozen(space, CountSkips(fails=True)))
    assert events == []


def test_no_models_are_no_work(engine: PopulationEngine, events: list[Any]) -> None:
    engine.submit_models()
    assert events == []


def report_half(model: Any) -> None:
    nni.report_final_result(0.5)


def test_models_of_other_evaluators_run_one_by_one(
    engine: PopulationEngine, space: SpikingSpace, events: list[Any]
) -> None:
    models = frozen(space, FunctionalEvaluator(report_half))
    engine.submit_models(*models)
    assert [model.metric for model in models] == [0.5] * 3
    assert [event.model for event in events if isinstance(event, TrainingEndEvent)] == models
