"""The tuner under a manager that hands out trials, ends them in any order, and loses some."""

from collections.abc import Callable
from random import Random
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nni.runtime.tuner_command_channel import CommandType

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture, from_sample, to_sample
from autosnn_nni.strategies import (
    NSGA2,
    Choices,
    Evaluated,
    Evolution,
    History,
    Listed,
    RandomSearch,
    Search,
    SearchTuner,
)

CANDIDATES = ("skip", "SCB_k3", "SRB_k3")
SPACE = {f"tbd{number}": {"_type": "choice", "_value": list(CANDIDATES)} for number in range(1, 5)}
CHOICES = Choices((CANDIDATES,) * 4)
EVOLUTION = Evolution(rounds=4, population=6, mutated=3, crossed=3, top=3, seed=7)


def metrics_of(blocks: Architecture) -> dict[str, float]:
    """Some numbers that only the architecture decides."""
    draw = Random(",".join(blocks))
    return {"default": draw.random(), "accuracy": draw.random(), "spikes": 1000 * draw.random()}


class Manager:
    """What NNI's manager does with a tuner, ``concurrency`` trials at a time."""

    def __init__(self, tuner: SearchTuner, concurrency: int, seed: int = 0) -> None:
        self.tuner, self.concurrency, self.rng = tuner, concurrency, Random(seed)
        self.running: dict[int, dict[str, str]] = {}
        self.ran: list[Architecture] = []
        self.running_at_end: list[int] = []
        self.ran_at_end: list[int] = []
        self._ids = iter(range(10_000))
        tuner.update_search_space(SPACE)

    def run(self, dies: Callable[[Architecture], bool] = lambda blocks: False) -> None:
        self._request(self.concurrency)
        while self.running:
            assert len(self.running) <= self.concurrency
            self.end(self.rng.choice(sorted(self.running)), dies)

    def end(self, identifier: int, dies: Callable[[Architecture], bool]) -> None:
        sample = self.running.pop(identifier)
        blocks = from_sample(sample)
        self.ran.append(blocks)
        dead = dies(blocks)
        if not dead:
            self.tuner.receive_trial_result(identifier, sample, metrics_of(blocks))
        self.tuner.trial_end(identifier, not dead)
        self._request(1)

    def _request(self, count: int) -> None:
        ids = [next(self._ids) for _ in range(count)]
        samples = self.tuner.generate_multiple_parameters(ids, st_callback=self._start)
        for identifier, sample in zip(ids, samples, strict=False):
            self._start(identifier, sample)
        if len(samples) < count:
            self.send(CommandType.NoMoreTrialJobs, "")

    def send(self, command: CommandType, content: str) -> None:
        """What NNI shows as TUNER_NO_MORE_TRIAL, which must come at the search's end only."""
        assert command == CommandType.NoMoreTrialJobs
        self.running_at_end.append(len(self.running))
        self.ran_at_end.append(len(self.ran))

    def _start(self, identifier: int, sample: dict[str, str]) -> None:
        self.running[identifier] = sample


def plain_history(search: Search, dies: Callable[[Architecture], bool]) -> History:
    """The search as it is written down: generation after generation."""
    history = History()
    for generation in range(1, search.rounds + 1):
        alive = [blocks for blocks in search.propose(CHOICES, history) if not dies(blocks)]
        history.extend(Evaluated.of(blocks, metrics_of(blocks), generation) for blocks in alive)
    return history


@pytest.mark.parametrize(
    "search", [EVOLUTION, NSGA2(rounds=3, population=6), RandomSearch(rounds=3, population=5)]
)
@settings(deadline=None, max_examples=40)
@given(concurrency=st.integers(1, 9), seed=st.integers(0, 99), lost=st.integers(0, 3))
def test_trials_give_the_same_search_whatever_their_order(
    search: Search, concurrency: int, seed: int, lost: int
) -> None:
    def dies(blocks: Architecture) -> bool:
        return Random(f"{lost}{blocks}").random() < lost / 10

    manager = Manager(SearchTuner(search), concurrency, seed)
    manager.run(dies)
    expected = plain_history(search, dies)
    assert list(manager.tuner.history) == list(expected)
    assert not any(dies(one.blocks) for one in manager.tuner.history)
    assert set(manager.running_at_end) == {0}
    assert set(manager.ran_at_end) == {len(manager.ran)}


def test_a_generation_begins_when_the_last_one_has_ended() -> None:
    manager = Manager(SearchTuner(EVOLUTION), concurrency=4)
    manager.run()
    first, second = manager.ran[:6], manager.ran[6:12]
    assert set(first) == set(EVOLUTION.propose(CHOICES, History()))
    assert not set(first) & set(second)


def test_a_resumed_search_repeats_nothing() -> None:
    whole = Manager(SearchTuner(EVOLUTION), concurrency=2)
    whole.run()
    finished = whole.ran[:9]  # one and a half generations
    resumed = Manager(SearchTuner(EVOLUTION), concurrency=3)
    resumed.tuner.import_data(
        [{"parameter": to_sample(one), "value": metrics_of(one)} for one in finished]
    )
    resumed.run()
    assert list(resumed.tuner.history) == list(whole.tuner.history)
    assert set(resumed.ran) == set(whole.ran) - set(finished)


def test_a_search_that_was_finished_starts_no_trial() -> None:
    whole = Manager(SearchTuner(EVOLUTION), concurrency=2)
    whole.run()
    again = Manager(SearchTuner(EVOLUTION), concurrency=2)
    again.tuner.import_data(
        [{"parameter": to_sample(one), "value": metrics_of(one)} for one in whole.ran]
    )
    again.run()
    assert again.ran == []
    assert list(again.tuner.history) == list(whole.tuner.history)


def test_results_that_are_no_metrics_are_not_imported(caplog: pytest.LogCaptureFixture) -> None:
    whole = Manager(SearchTuner(EVOLUTION), concurrency=2)
    whole.run()
    other = Manager(SearchTuner(EVOLUTION), concurrency=2)
    other.tuner.import_data([{"parameter": to_sample(whole.ran[0]), "value": 0.9}])
    assert "trials must report default, accuracy and spikes" in caplog.text
    other.run()
    assert list(other.tuner.history) == list(whole.tuner.history)


def test_a_trial_that_dies_after_its_report_does_not_count() -> None:
    manager = Manager(SearchTuner(Listed((("skip",) * 4, ("SCB_k3",) * 4))), concurrency=2)
    manager._request(2)
    for identifier, success in (0, False), (1, True):
        sample = manager.running[identifier]
        manager.tuner.receive_trial_result(identifier, sample, metrics_of(from_sample(sample)))
        manager.tuner.trial_end(identifier, success)
    assert [one.blocks for one in manager.tuner.history] == [("SCB_k3",) * 4]


def test_a_generation_of_dead_trials_ends_the_search_with_a_reason() -> None:
    manager = Manager(SearchTuner(EVOLUTION), concurrency=2)
    with pytest.raises(RuntimeError, match="every trial of generation 1 failed"):
        manager.run(lambda blocks: True)


@pytest.mark.parametrize("value", [0.5, {"default": 0.5}, {"accuracy": 1.0, "spikes": 2.0}, None])
def test_other_metrics_are_refused(value: Any) -> None:
    manager = Manager(SearchTuner(EVOLUTION), concurrency=1)
    manager._request(1)
    with pytest.raises(UserError, match="must report default, accuracy and spikes"):
        manager.tuner.receive_trial_result(0, manager.running[0], value)


def test_a_result_may_come_after_the_end_of_its_trial() -> None:
    """NNI tells of both on threads of their own."""
    manager = Manager(SearchTuner(Listed((("skip",) * 4,))), concurrency=1)
    manager._request(1)
    end = Thread(target=manager.tuner.trial_end, args=(0, True))
    end.start()
    manager.tuner.receive_trial_result(0, manager.running[0], metrics_of(("skip",) * 4))
    end.join()
    assert [one.blocks for one in manager.tuner.history] == [("skip",) * 4]


def test_a_result_counts_whatever_nni_has_noted_as_its_parameters() -> None:
    """NNI notes '' where a trial was asked for too early, also if it has come by then."""
    manager = Manager(SearchTuner(Listed((("skip",) * 4,))), concurrency=1)
    manager._request(1)
    manager.tuner.receive_trial_result(0, "", metrics_of(("skip",) * 4))  # type: ignore[arg-type]
    manager.tuner.trial_end(0, True)
    assert [one.blocks for one in manager.tuner.history] == [("skip",) * 4]


def test_a_user_s_own_trial_is_left_alone() -> None:
    manager = Manager(SearchTuner(EVOLUTION), concurrency=2)
    manager._request(2)
    manager.tuner.trial_end(None, True)  # type: ignore[arg-type]
    assert len(manager.running) == 2
    assert len(manager.tuner.history) == 0


def test_a_trial_without_a_result_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autosnn_nni.strategies.search_tuner.LATE", 0.01)
    manager = Manager(SearchTuner(Listed((("skip",) * 4, ("SCB_k3",) * 4))), concurrency=2)
    manager._request(2)
    manager.tuner.trial_end(0, True)
    manager.end(1, lambda blocks: False)
    assert [one.blocks for one in manager.tuner.history] == [("SCB_k3",) * 4]
