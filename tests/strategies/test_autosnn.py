"""Stages 1 and 2 in a real experiment with real, tiny networks and digits."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from nni.nas.execution.event import FinalMetricEvent, ModelEventType
from torch import nn

from autosnn_nni.data import Splits
from autosnn_nni.nas.evaluators import SpikingEvaluator, SubnetEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.scoring.evaluation import evaluate
from autosnn_nni.search_spaces import SpikingSpace, from_sample, subnet, to_sample
from autosnn_nni.strategies import (
    AutoSNN,
    Evolution,
    Fitness,
    History,
    Metrics,
    PopulationEngine,
    RandomSearch,
    find_objective,
)
from autosnn_nni.testing.lively import enliven
from autosnn_nni.training.checkpoints import load_checkpoint
from autosnn_nni.training.hyperparameters import Training

EVOLUTION = Evolution(rounds=3, population=4, mutated=2, crossed=2, top=3, seed=1)
FITNESS = Fitness(-0.5)


@dataclass
class Run:
    """A finished experiment and what was seen of it."""

    experiment: RetiariiExperiment
    strategy: AutoSNN
    evaluator: SpikingEvaluator
    checkpoint: Path
    events: list[FinalMetricEvent] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    saved: list[Any] = field(default_factory=list)


class WatchedExperiment(RetiariiExperiment):
    """Hands every FinalMetric event of its engine to ``watch``."""

    watch: Callable[[FinalMetricEvent], None]

    def execution_engine_factory(self, config: Any) -> PopulationEngine:
        engine = super().execution_engine_factory(config)
        engine.register_model_event_callback(ModelEventType.FinalMetric, self.watch)
        return engine


def run_search(
    space: SpikingSpace,
    data: Splits,
    training: Training,
    checkpoint: Path,
    history: History | None = None,
    search: Any = EVOLUTION,
    epochs: int = 2,
) -> Run:
    about = {"kind": "supernet", "settings": {}, "blocks": []}
    evaluator = SpikingEvaluator(
        data, training.with_epochs(epochs), checkpoint=checkpoint, about=about
    )
    saved: list[Any] = []
    strategy = AutoSNN(
        search,
        FITNESS,
        seed=2,
        history=history,
        on_generation=lambda history: saved.append(json.loads(json.dumps(history.to_json()))),
    )
    experiment = WatchedExperiment(space, evaluator, [], strategy)
    run = Run(experiment, strategy, evaluator, checkpoint, saved=saved)
    experiment.watch = run.events.append
    score = SubnetEvaluator.evaluate_population

    def counted(
        self: SubnetEvaluator, supernet: nn.Module, samples: Sequence[Mapping[str, str]]
    ) -> list[Metrics]:
        run.calls.append(len(samples))
        return score(self, supernet, samples)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SubnetEvaluator, "evaluate_population", counted)
        assert experiment.run()
    return run


@pytest.fixture(scope="module")
def run(
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    checkpoint = tmp_path_factory.mktemp("search") / "supernet.ckpt"
    return run_search(enliven(make_space(channels=4)), tiny_digits, tiny_training, checkpoint)


def test_every_generation_is_scored_in_one_call(run: Run) -> None:
    assert run.calls == [4, 4, 4]
    assert run.strategy.history.generations == 3
    assert [one.generation for one in run.strategy.history] == [1] * 4 + [2] * 4 + [3] * 4


def test_every_architecture_has_one_event_with_fitness_accuracy_and_spikes(run: Run) -> None:
    seen = {from_sample(event.model.sample): event.metric for event in run.events}
    assert len(run.events) == len(seen) == 12
    energy = find_objective("energy")
    assert seen == {
        one.blocks: {"default": one.fitness, **one.measured, "energy": energy.value(one)}
        for one in run.strategy.history
    }


def test_the_fitness_is_that_of_accuracy_spikes_and_the_checkpoint_s_n_avg(run: Run) -> None:
    n_avg = load_checkpoint(run.checkpoint).n_avg
    assert n_avg > 0
    for one in run.strategy.history:
        assert one.fitness == pytest.approx(one.accuracy * (one.spikes / n_avg) ** -0.5)


def test_scores_equal_those_of_each_subnet_alone(run: Run) -> None:
    scorer = run.evaluator.scorer(FITNESS)
    network = run.experiment.model_space.network
    for one in run.strategy.history:
        alone = subnet(network, to_sample(one.blocks))
        result = evaluate(recalibrated(alone, scorer.calibration), scorer.val)
        assert (result.accuracy, result.spikes) == (one.accuracy, one.spikes)
    assert len({one.spikes for one in run.strategy.history}) > 6  # the subnets really differ


def test_scores_do_not_depend_on_the_order_or_the_company(run: Run) -> None:
    scorer = run.evaluator.scorer(FITNESS)
    samples = [to_sample(one.blocks) for one in run.strategy.history]
    space = run.experiment.model_space
    together = scorer.evaluate_population(space, samples)
    backwards = scorer.evaluate_population(space, samples[::-1])
    assert backwards[::-1] == together
    assert [scorer.evaluate_population(space, [one])[0] for one in samples] == together


def test_a_frozen_model_of_the_supernet_scores_the_same(run: Run) -> None:
    scorer = run.evaluator.scorer(FITNESS)
    for one in run.strategy.history.top(3):
        metrics = scorer.evaluate(run.experiment.model_space.freeze(to_sample(one.blocks)))
        assert metrics["default"] == one.fitness


def test_scoring_leaves_the_supernet_as_it_was_trained(run: Run) -> None:
    trained = load_checkpoint(run.checkpoint).weights
    after = run.experiment.model_space.network.state_dict()
    assert after.keys() == trained.keys()
    assert all(torch.equal(after[key], trained[key]) for key in trained)


def test_a_score_of_the_same_supernet_is_repeated_bit_for_bit(
    run: Run,
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
    tmp_path: Path,
) -> None:
    again = run_search(
        enliven(make_space(channels=4)), tiny_digits, tiny_training, tmp_path / "supernet.ckpt"
    )
    assert list(again.strategy.history) == list(run.strategy.history)


def test_a_trained_supernet_serves_another_search(
    run: Run,
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
) -> None:
    before = run.checkpoint.read_bytes()
    other = run_search(
        enliven(make_space(channels=4)),
        tiny_digits,
        tiny_training,
        run.checkpoint,
        search=RandomSearch(rounds=1, population=3),
    )
    assert run.checkpoint.read_bytes() == before
    assert other.evaluator.scorer(FITNESS).n_avg == run.evaluator.scorer(FITNESS).n_avg
    assert other.calls == [3]
    trained = load_checkpoint(run.checkpoint).weights
    loaded = other.experiment.model_space.network.state_dict()
    assert all(torch.equal(loaded[key], trained[key]) for key in trained)


@pytest.mark.parametrize("generations", [1, 2, 3])
def test_a_search_goes_on_from_its_saved_history(
    generations: int,
    run: Run,
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
) -> None:
    history = History.from_json(run.saved[generations - 1])
    assert history.generations == generations
    resumed = run_search(
        enliven(make_space(channels=4)), tiny_digits, tiny_training, run.checkpoint, history
    )
    assert resumed.calls == [4] * (3 - generations)
    assert list(resumed.strategy.history) == list(run.strategy.history)


def test_a_space_smaller_than_the_budget_is_searched_once(
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
    tmp_path: Path,
) -> None:
    found = run_search(
        enliven(make_space(candidates=("SCB_k3",))),
        tiny_digits,
        tiny_training,
        tmp_path / "supernet.ckpt",
        epochs=1,
    )
    assert found.calls == [1]
    assert found.experiment.export_top_models(top_k=5) == [to_sample(("SCB_k3",) * 5)]


def test_models_are_listed_fittest_first_with_their_fitness(run: Run) -> None:
    models = list(run.strategy.list_models())
    assert len(models) == 12
    fitness = [model.metric for model in models]
    assert fitness == sorted(fitness, reverse=True)
    assert fitness == [one.fitness for one in run.strategy.history.top(12)]
    unsorted = list(run.strategy.list_models(sort=False, limit=5))
    assert [from_sample(model.sample) for model in unsorted] == [
        one.blocks for one in list(run.strategy.history)[:5]
    ]


def test_a_network_of_relus_is_searched_by_accuracy(
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
    tmp_path: Path,
) -> None:
    found = run_search(
        make_space(neuron="ANN"), tiny_digits, tiny_training, tmp_path / "supernet.ckpt"
    )
    assert load_checkpoint(found.checkpoint).n_avg == 0
    assert len(found.strategy.history) == 12
    assert all(one.spikes == 0 for one in found.strategy.history)
    assert all(one.fitness == one.accuracy for one in found.strategy.history)
