"""Searches by trials on an engine whose trials end in any order, are lost, or never begin."""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nni.nas.execution import ExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.space import ModelStatus, SimplifiedModelSpace

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture, SpikingSpace, from_sample
from autosnn_nni.strategies import (
    NSGA2,
    Choices,
    Evaluated,
    Evolution,
    History,
    Listed,
    RandomSearch,
    Search,
    TrialSearch,
    search_loop,
)

EVOLUTION = Evolution(rounds=4, population=6, mutated=3, crossed=3, top=3, seed=7)
ONE, TWO = ("skip",) * 5, ("SCB_k3",) * 5


def metrics_of(blocks: Architecture) -> dict[str, float]:
    """Some numbers that only the architecture decides."""
    draw = Random(",".join(blocks))
    return {"default": draw.random(), "accuracy": draw.random(), "spikes": 1000 * draw.random()}


def nobody(blocks: Architecture) -> bool:
    return False


class Engine(ExecutionEngine):
    """Up to ``limit`` trials, three at a time; one ends whenever the search asks for the budget."""

    def __init__(
        self,
        dies: Callable[[Architecture], bool] = nobody,
        limit: int = 1000,
        seed: int = 0,
        report: Callable[[Architecture], Any] = metrics_of,
    ) -> None:
        super().__init__()
        self.dies, self.limit, self.rng, self.report = dies, limit, Random(seed), report
        self.waiting: list[Any] = []
        self.running: list[Any] = []
        self.ran: list[Architecture] = []

    def submit_models(self, *models: Any) -> None:
        self.waiting.extend(models)
        self._begin()

    def budget_available(self) -> bool:
        if self.running:
            self._end(self.running.pop(self.rng.randrange(len(self.running))))
        self._begin()
        return self.limit > 0

    def wait_models(self, *models: Any) -> None:
        while self.running:
            self.budget_available()

    def _begin(self) -> None:
        while self.waiting and self.limit and len(self.running) < 3:
            self.running.append(self.waiting.pop(0))
            self.ran.append(from_sample(self.running[-1].sample))
            self.limit -= 1

    def _end(self, model: Any) -> None:
        dead = self.dies(from_sample(model.sample))
        if not dead:
            metrics = self.report(from_sample(model.sample))
            self.dispatch_model_event(FinalMetricEvent(model, metrics))
        status = ModelStatus.Failed if dead else ModelStatus.Trained
        self.dispatch_model_event(TrainingEndEvent(model, status))


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Iterable[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_loop, "_POLL", 0)
        yield


@pytest.fixture(scope="module")
def space(make_space: Callable[..., SpikingSpace]) -> Any:
    return SimplifiedModelSpace.from_model(make_space())


def run(
    space: Any, search: Search, engine: Engine, recalled: search_loop.Results | None = None
) -> TrialSearch:
    strategy = TrialSearch(search)
    strategy.recall(recalled or {})
    strategy(space, engine)
    return strategy


def plain_history(space: Any, search: Search, dies: Callable[[Architecture], bool]) -> History:
    """The search as it is written down: generation after generation."""
    history, choices = History(), Choices.of(space)
    for generation in range(1, search.rounds + 1):
        alive = [blocks for blocks in search.propose(choices, history) if not dies(blocks)]
        history.extend(Evaluated.of(blocks, metrics_of(blocks), generation) for blocks in alive)
    return history


def dies_sometimes(lost: int) -> Callable[[Architecture], bool]:
    return lambda blocks: Random(f"{lost}{blocks}").random() < lost / 10


def results(engine: Engine, count: int) -> dict[Architecture, Any]:
    """What the first trials of a session have left."""
    return {
        blocks: None if engine.dies(blocks) else metrics_of(blocks) for blocks in engine.ran[:count]
    }


@pytest.mark.parametrize(
    "search", [EVOLUTION, NSGA2(rounds=3, population=6), RandomSearch(rounds=3, population=5)]
)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 99), lost=st.integers(0, 3))
def test_trials_give_the_same_search_whatever_their_order(
    space: Any, search: Search, seed: int, lost: int
) -> None:
    dies = dies_sometimes(lost)
    strategy = run(space, search, Engine(dies, seed=seed))
    assert list(strategy.history) == list(plain_history(space, search, dies))


@settings(deadline=None, max_examples=30)
@given(count=st.integers(0, 24), lost=st.integers(0, 3))
def test_a_resumed_search_goes_on_where_it_was_stopped(space: Any, count: int, lost: int) -> None:
    whole = Engine(dies_sometimes(lost))
    expected = run(space, EVOLUTION, whole).history
    resumed = Engine(dies_sometimes(lost))
    known = results(whole, count)
    strategy = run(space, EVOLUTION, resumed, known)
    assert list(strategy.history) == list(expected)
    assert sorted(resumed.ran) == sorted(whole.ran[count:])


@pytest.mark.parametrize("limit", range(26))
def test_nni_s_limits_end_the_search_with_what_there_is(space: Any, limit: int) -> None:
    whole = list(plain_history(space, EVOLUTION, nobody))
    engine = Engine(limit=limit)
    assert list(run(space, EVOLUTION, engine).history) == whole[:limit]
    assert len(engine.ran) == min(limit, 24)


@pytest.mark.parametrize("limit", [5, 6, 7])
def test_a_search_that_reached_its_limit_is_resumed_as_it_was(space: Any, limit: int) -> None:
    first = Engine(limit=limit)
    ended = run(space, EVOLUTION, first).history
    again = Engine(limit=0)
    assert list(run(space, EVOLUTION, again, results(first, limit)).history) == list(ended)
    assert again.ran == []


def test_a_limit_after_a_failure_ends_the_search_without_an_error(space: Any) -> None:
    first = Engine()
    whole = run(space, EVOLUTION, first).history
    strategy = run(space, EVOLUTION, Engine(lambda blocks: blocks == first.ran[6], limit=7))
    assert list(strategy.history) == list(whole)[:6]


def test_a_generation_of_dead_trials_ends_the_search_with_a_reason(space: Any) -> None:
    with pytest.raises(RuntimeError, match="every trial of generation 1 failed"):
        run(space, EVOLUTION, Engine(lambda blocks: True))


def test_a_generation_that_has_failed_altogether_is_tried_again(space: Any) -> None:
    engine = Engine()
    history = run(space, Listed((ONE, TWO)), engine, {ONE: None, TWO: None}).history
    assert engine.ran == [ONE, TWO]
    assert len(history) == 2


class Late(Engine):
    """Tells of a trial's end first, of its result when it is asked again."""

    def _end(self, model: Any) -> None:
        self.dispatch_model_event(TrainingEndEvent(model, ModelStatus.Trained))
        self.late = model

    def tell(self, seconds: float) -> None:
        metrics = metrics_of(from_sample(self.late.sample))
        self.dispatch_model_event(FinalMetricEvent(self.late, metrics))


def test_a_result_may_come_after_the_end_of_its_trial(
    space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Late()
    monkeypatch.setattr(
        search_loop.time, "sleep", lambda seconds: hasattr(engine, "late") and engine.tell(0)
    )
    assert [one.blocks for one in run(space, Listed((ONE,)), engine).history] == [ONE]


def test_a_trial_without_a_result_has_failed(space: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_loop, "LATE", 0.01)
    with pytest.raises(RuntimeError, match="every trial of generation 1 failed"):
        run(space, Listed((ONE,)), Late())


@pytest.mark.parametrize("value", [0.5, {"default": 0.5}, {"accuracy": 1.0, "spikes": 2.0}])
def test_other_metrics_are_refused(space: Any, value: Any) -> None:
    with pytest.raises(UserError, match="must report default, accuracy and spikes"):
        run(space, EVOLUTION, Engine(report=lambda blocks: value))


def test_every_generation_is_told_and_the_best_are_listed_fittest_first(space: Any) -> None:
    told: list[tuple[int, list[Architecture]]] = []

    def tell(history: History) -> None:
        listed = [from_sample(model.sample) for model in strategy.list_models(limit=3)]
        assert listed == [one.blocks for one in history.top(3)]
        told.append((history.generations, listed))

    strategy = TrialSearch(EVOLUTION, on_generation=tell)
    strategy(space, Engine())
    assert [generation for generation, _ in told] == [1, 2, 3, 4]
    assert [model.metric for model in strategy.list_models(limit=2)] == [
        one.fitness for one in strategy.history.top(2)
    ]
    unsorted = [from_sample(model.sample) for model in strategy.list_models(sort=False)]
    assert unsorted == [one.blocks for one in strategy.history]


def test_nothing_is_kept_in_nni_s_state(space: Any) -> None:
    strategy = run(space, EVOLUTION, Engine())
    assert strategy.state_dict() == {}
    strategy.load_state_dict({})
