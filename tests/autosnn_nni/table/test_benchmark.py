"""NNI's own strategies on a table, through NNI's experiment and through this package's."""

from pathlib import Path
from typing import Any

import pytest
from nni.nas.evaluator import Evaluator
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.experiment import NasExperiment
from nni.nas.strategy import TPE, GridSearch, Random, RegularizedEvolution

from autosnn_nni.nas.experiment import RetiariiExeConfig, RetiariiExperiment
from autosnn_nni.search_spaces import SpikingSpace, from_sample
from autosnn_nni.strategies import Fitness
from autosnn_nni.table.benchmark import TableEvaluator, TableSpace
from autosnn_nni.table.scores import Scores
from tests.autosnn_nni.table.made import PLAN, packed_in, table

TABLE = table()
FITNESS = Fitness(-0.2)

STRATEGIES = [
    lambda: Random(seed=0),
    lambda: GridSearch(seed=0),
    lambda: RegularizedEvolution(population_size=4, sample_size=2, seed=0),
]


def best(strategy: Any) -> tuple[tuple[str, ...], float]:
    model = next(iter(strategy.list_models(limit=1)))
    return from_sample(model.sample), model.metric


@pytest.mark.parametrize("make", STRATEGIES)
def test_a_strategy_finds_the_tables_numbers(make: Any) -> None:
    engine, strategy = SequentialExecutionEngine(max_model_count=12), make()
    strategy(TableSpace(TableEvaluator(TABLE, FITNESS, seed=1)), engine)
    blocks, fitness = best(strategy)
    assert fitness == Scores(TABLE, FITNESS, 1)(blocks)["default"]
    assert len(list(engine.list_models())) == 12


#: In NNI's own experiment all models of GridSearch end with the same sample.
WITHOUT_GRID = [STRATEGIES[0], STRATEGIES[2]]


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        *((NasExperiment, make) for make in WITHOUT_GRID),
        *((RetiariiExperiment, make) for make in (*STRATEGIES, lambda: TPE("maximize", 0))),
    ],
)
def test_an_experiment_finds_the_tables_numbers(kind: Any, make: Any) -> None:
    evaluator: Evaluator = TableEvaluator(TABLE, FITNESS, seed=1)
    space = SpikingSpace(**vars(PLAN.settings.network))
    config = RetiariiExeConfig(execution_engine="oneshot")
    config.execution_engine.max_model_count = 3
    experiment = kind(space, evaluator, strategy=make())
    experiment.config = config
    experiment.run(port=8080)
    (sample,) = experiment.export_top_models(top_k=1, formatter="dict")
    scores = Scores(TABLE, FITNESS, 1)
    (model,) = experiment.strategy.list_models(limit=1)
    assert model.metric == scores(from_sample(sample))["default"]


def test_a_table_is_given_by_its_path(tmp_path: Path) -> None:
    evaluator = TableEvaluator(packed_in(tmp_path), FITNESS, seed=1)
    blocks = PLAN.architectures[3]
    assert evaluator.scores(blocks) == Scores(TABLE, FITNESS, 1)(blocks)


def test_another_space_is_refused() -> None:
    space = SpikingSpace("SNN_1", shape=(1, 8, 8), classes=10, channels=2, timesteps=2)
    with pytest.raises(ValueError, match="Expect space to be"):
        TableEvaluator(TABLE, FITNESS).validate_space(space)
