"""NNI 2.x's calls, over a real search of real, tiny networks."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExeConfig, RetiariiExperiment
from autosnn_nni.search_spaces import SpikingNetwork, SpikingSpace, from_sample, to_sample
from autosnn_nni.strategies import AutoSNN, Evolution, Fitness, PopulationEngine
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.trained import TrainedNetwork


@pytest.fixture(scope="module")
def make(
    tiny_digits: Splits, tiny_training: Training, make_space: Callable[..., SpikingSpace]
) -> Callable[[], RetiariiExperiment]:
    """Makes an experiment as NNI 2.x's documentation writes it."""

    def experiment() -> RetiariiExperiment:
        evaluator = SpikingEvaluator(tiny_digits, tiny_training)
        search = Evolution(rounds=2, population=4, mutated=2, crossed=2)
        strategy = AutoSNN(search, Fitness(-0.5))
        return RetiariiExperiment(make_space(channels=4), evaluator, [], strategy)

    return experiment


@pytest.fixture(scope="module")
def finished(make: Callable[[], RetiariiExperiment]) -> RetiariiExperiment:
    experiment = make()
    experiment.run(RetiariiExeConfig("local", "oneshot"), 8080, False)
    return experiment


def test_the_best_are_exported_as_block_names_fittest_first(finished: RetiariiExperiment) -> None:
    top = finished.export_top_models(top_k=3, optimize_mode="maximize", formatter="dict")
    history = finished.strategy.history
    assert len(history) == 8
    assert top == [to_sample(one.blocks) for one in history.top(3)]
    fitness = {one.blocks: one.fitness for one in history}
    exported = [fitness[from_sample(sample)] for sample in top]
    assert exported == sorted(fitness.values(), reverse=True)[:3]


def test_one_architecture_is_exported_by_default(finished: RetiariiExperiment) -> None:
    assert finished.export_top_models() == [to_sample(finished.strategy.history.top(1)[0].blocks)]
    assert len(finished.export_top_models(top_k=100)) == 8


def test_the_best_are_exported_with_what_was_measured(finished: RetiariiExperiment) -> None:
    rows = finished.export_top_models(top_k=3, formatter="metrics")
    for row, one in zip(rows, finished.strategy.history.top(3), strict=True):
        expected = {
            **to_sample(one.blocks),
            **{name: getattr(one, name) for name in ("fitness", "accuracy", "spikes")},
        }
        assert expected.items() <= row.items()
        assert row["energy"] > 0


def test_an_exported_instance_runs(finished: RetiariiExperiment) -> None:
    (model,) = finished.export_top_models(top_k=1, formatter="instance")
    assert isinstance(model, nn.Module)
    assert model(torch.rand(3, 1, 8, 8)).shape == (3, 10)


def test_fitness_is_never_minimised(finished: RetiariiExperiment) -> None:
    with pytest.raises(UserError, match="maximize"):
        finished.export_top_models(optimize_mode="minimize")


def test_the_final_model_is_the_best_trained_from_scratch(finished: RetiariiExperiment) -> None:
    supernet = {key: value.clone() for key, value in finished.model_space.state_dict().items()}
    final = finished.final_model()
    assert isinstance(final, TrainedNetwork)
    assert isinstance(final.network, SpikingNetwork)
    assert final.description.blocks == finished.strategy.history.top(1)[0].blocks
    assert all(parameter.isfinite().all() for parameter in final.network.parameters())
    assert 0 <= final.accuracy <= 1
    assert final.accuracy == final.test.accuracy
    assert final.spikes == final.test.spikes > 0
    votes = final.network.eval()(torch.rand(2, 1, 8, 8))
    assert votes.shape == (2, 10)
    # The supernet is no part of it.
    after = finished.model_space.state_dict()
    assert all(torch.equal(after[key], value) for key, value in supernet.items())


def test_the_final_model_is_scored_as_the_evaluator_says(
    tiny_digits: Splits, tiny_training: Training, make_space: Callable[..., SpikingSpace]
) -> None:
    search = Evolution(rounds=1, population=2, mutated=1, crossed=1)
    found = []
    for batches in 0, 1:
        scoring = replace(tiny_training.scoring, calibration_batches=batches)
        evaluator = SpikingEvaluator(tiny_digits, tiny_training, scoring)
        strategy = AutoSNN(search, Fitness())
        experiment = RetiariiExperiment(make_space(), evaluator, strategy=strategy)
        experiment.run()
        blocks = from_sample(experiment.export_top_models()[0])
        final = experiment.final_model()
        expected = train_network(
            experiment.model_space.config, blocks, tiny_digits, tiny_training, scoring
        )
        assert (final.accuracy, final.spikes) == (expected.accuracy, expected.spikes)
        found.append(final.spikes)
    assert found[0] != found[1]


def test_the_final_model_can_be_trained_for_longer(finished: RetiariiExperiment) -> None:
    def weights(epochs: int | None) -> torch.Tensor:
        return finished.final_model(epochs=epochs).network.stem.conv[0].weight

    two = weights(None)
    assert torch.equal(weights(2), two)
    assert not torch.equal(weights(3), two)


def test_without_a_configuration_a_one_shot_strategy_runs_in_this_process(
    make: Callable[[], RetiariiExperiment], capsys: pytest.CaptureFixture[str]
) -> None:
    """It says that there is no web UI, and how to see such a search there."""
    experiment = make()
    assert experiment.run(port=8081, debug=False)
    assert len(experiment.strategy.history) == 8
    first, *_ = capsys.readouterr().err.splitlines()
    assert "without NNI's web UI" in first
    assert "autosnn view RUN" in first


def again(make: Callable[[], RetiariiExperiment], **used: Any) -> RetiariiExperiment:
    """A new experiment, but for what is ``used``."""
    new = make()
    parts = {
        "base_model": new.model_space,
        "evaluator": new.evaluator,
        "strategy": new.strategy,
        **used,
    }
    return RetiariiExperiment(**parts)


def test_what_a_run_has_used_is_named(
    make: Callable[[], RetiariiExperiment], finished: RetiariiExperiment
) -> None:
    with pytest.raises(UserError, match="the model space and evaluator and strategy of this exp"):
        finished.run()
    for name, part in (
        ("model space", {"base_model": finished.model_space}),
        ("evaluator", {"evaluator": finished.evaluator}),
        ("strategy", {"strategy": finished.strategy}),
    ):
        with pytest.raises(UserError, match=rf"^the {name} of .* with a new {name}$"):
            again(make, **part).run()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"shape": (3, 32, 32)}, r"takes images of \(3, 32, 32\), the data have \(1, 8, 8\)$"),
        ({"classes": 5}, "the space has 5 classes, the data have 10$"),
    ],
)
def test_a_space_for_other_images_is_refused(
    config: dict[str, Any],
    message: str,
    make: Callable[[], RetiariiExperiment],
    make_space: Callable[..., SpikingSpace],
) -> None:
    other = again(make, base_model=make_space(**config))
    with pytest.raises(UserError, match=message):
        other.run()
    evaluator = other.evaluator
    with pytest.raises(UserError, match=message):
        train_network(other.model_space.config, ("skip",) * 5, evaluator.data, evaluator.training)


def test_torch_is_left_as_it_was(make: Callable[[], RetiariiExperiment]) -> None:
    def state() -> tuple[Any, ...]:
        fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state()), fill

    experiment = make()
    torch.manual_seed(5)
    before = state()
    experiment.run()
    assert state() == before
    experiment.final_model()
    assert state() == before


def test_the_user_may_have_set_another_default_type(
    tiny_digits: Splits, tiny_training: Training, make_space: Callable[..., SpikingSpace]
) -> None:
    """Then networks have weights of this type, as all of torch's."""
    torch.set_default_dtype(torch.float64)
    try:
        strategy = AutoSNN(Evolution(rounds=1, population=2, mutated=1, crossed=1), Fitness())
        evaluator = SpikingEvaluator(tiny_digits, tiny_training)
        experiment = RetiariiExperiment(make_space(), evaluator, strategy=strategy)
        experiment.run()
        final = experiment.final_model()
    finally:
        torch.set_default_dtype(torch.float32)
    assert final.network.stem.conv[0].weight.dtype == torch.float64
    assert final.spikes > 0


def test_keywords_of_nni_2_are_understood(
    tiny_digits: Splits, tiny_training: Training, make_space: Callable[..., SpikingSpace]
) -> None:
    strategy = AutoSNN(Evolution(rounds=1), Fitness())
    experiment = RetiariiExperiment(
        base_model=make_space(),
        evaluator=SpikingEvaluator(tiny_digits, tiny_training),
        applied_mutators=None,
        strategy=strategy,
    )
    assert experiment.strategy is strategy


def test_mutators_are_refused(
    make: Callable[[], RetiariiExperiment],
) -> None:
    one = make()
    with pytest.raises(UserError, match="applied_mutators"):
        RetiariiExperiment(one.model_space, one.evaluator, [object()], one.strategy)


def test_a_missing_strategy_is_refused(make: Callable[[], RetiariiExperiment]) -> None:
    one = make()
    with pytest.raises(UserError, match="strategy"):
        RetiariiExperiment(one.model_space, one.evaluator)


def test_what_is_no_strategy_space_or_evaluator_is_named(
    make: Callable[[], RetiariiExperiment],
) -> None:
    one = make()
    for name, wrong in (("strategy", AutoSNN), ("base_model", SpikingSpace), ("evaluator", None)):
        parts: Any = {
            "base_model": one.model_space,
            "evaluator": one.evaluator,
            "strategy": one.strategy,
        }
        with pytest.raises(UserError, match=f"^{name} must be one of NNI's"):
            RetiariiExperiment(**{**parts, name: wrong})


@pytest.mark.parametrize(
    ("engine", "name", "model_format"),
    [
        ("py", "ts", "simplified"),
        ("base", "ts", "graph"),
        ("oneshot", "sequential", "raw"),
    ],
)
def test_engines_of_nni_2(engine: str, name: str, model_format: str) -> None:
    config = RetiariiExeConfig("local", engine, experiment_name="digits")
    assert config.execution_engine.name == name
    assert config.model_format.name == model_format
    assert config.experiment_name == "digits"


def test_the_default_engine_starts_local_trials() -> None:
    config = RetiariiExeConfig("local")
    assert config.execution_engine.name == "ts"
    assert config.training_service.platform == "local"


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UserError, match="known: oneshot, py, base") as caught:
        RetiariiExeConfig("local", "cgo")
    assert len(str(caught.value).splitlines()) == 1


def test_the_in_process_engine_scores_populations(make: Callable[[], RetiariiExperiment]) -> None:
    config = RetiariiExeConfig(execution_engine="oneshot").execution_engine
    assert isinstance(make().execution_engine_factory(config), PopulationEngine)
