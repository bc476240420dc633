"""Searches without training: scores of fresh networks, the same again, and a run of its own."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.manager.checks import check_tuner
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.nas.training_free import TrainingFreeEvaluator
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import SpikingSpace, to_sample
from autosnn_nni.strategies import SNASNet, TrialSearch
from autosnn_nni.training.hyperparameters import Training

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
SAMPLES = [to_sample(["SCB_k3"] * 5), to_sample(["skip"] * 5)]
SNASNET = ("--strategy", "snasnet", "--space", "SNASNet-Bw")


def test_a_score_depends_on_the_seed_and_the_architecture_alone(
    tiny_digits: Splits, tiny_training: Training, make_space: Callable[..., SpikingSpace]
) -> None:
    evaluator = TrainingFreeEvaluator(tiny_digits, tiny_training)
    before = torch.random.get_rng_state()
    first, second = evaluator.evaluate_population(make_space(), SAMPLES)
    assert torch.equal(torch.random.get_rng_state(), before)
    (again,) = evaluator.evaluate_population(make_space(), SAMPLES[1:])
    assert (again["default"], again["spikes"]) == (second["default"], second["spikes"])
    assert first["default"] != second["default"]
    assert math.isnan(first["accuracy"])
    assert first["spikes"] > 0


def test_nni_runs_it_in_this_process(
    tiny_digits: Splits, tiny_training: Training, make_space: Callable[..., SpikingSpace]
) -> None:
    space, evaluator = make_space(), TrainingFreeEvaluator(tiny_digits, tiny_training)
    strategy = TrialSearch(SNASNet(rounds=2, population=3))
    experiment = RetiariiExperiment(space, evaluator, strategy=strategy)
    assert experiment.run()
    assert len(strategy.history) == 6
    best = max(strategy.history, key=lambda one: one.fitness)
    assert experiment.export_top_models(1) == [to_sample(best.blocks)]
    assert len(experiment.final_model(epochs=1).test.layers) > 0


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, autosnn: Autosnn, tiny: Args) -> Path:
    run = tmp_path_factory.mktemp("snasnet") / "run"
    outcome = autosnn("search", "--output", run, *tiny, *SNASNET)
    assert outcome.code == 0, outcome.err
    return run


def test_the_run_has_no_supernet_and_its_winner_the_highest_score(searched: Path) -> None:
    assert not (searched / "supernet.ckpt").exists()
    candidates, best = pd.read_csv(searched / "candidates.csv"), read_json(searched / "best.json")
    assert len(candidates) == 40
    assert candidates["accuracy"].isna().all()
    assert best["fitness"] == candidates["fitness"].max()
    assert best["accuracy"] is None
    assert read_json(searched / "result.json")["blocks"] == best["blocks"]


def test_its_state_is_plain_json(searched: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for name in ("search.json", "best.json"):
        json.loads((searched / name).read_text(), parse_constant=refuse)


def test_its_report_shows_scores_and_no_accuracies(searched: Path) -> None:
    assert not (searched / "figures/search.png").exists()
    assert (searched / "figures/fitness.png").exists()
    page = (searched / "report.html").read_text()
    assert 'id="fitness"' in page
    assert 'id="search"' not in page
    assert "nan %" not in page


def test_started_again_it_searches_nothing(searched: Path, autosnn: Autosnn) -> None:
    before = (searched / "search.json").stat().st_mtime_ns
    outcome = autosnn("search", "--output", searched)
    assert (outcome.code, outcome.err) == (0, "")
    assert (searched / "search.json").stat().st_mtime_ns == before


def test_a_search_that_was_cut_short_goes_on(
    searched: Path, tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    assert autosnn("search", "--output", run, *tiny, *SNASNET, "--rounds", 1).code == 0
    evaluated = read_json(run / "search.json")["evaluated"]
    whole = read_json(searched / "search.json")["evaluated"]
    assert evaluated == whole[:20]


def test_its_finalists_are_compared_after_training(
    searched: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    run = shutil.copytree(searched, tmp_path / "run")
    outcome = autosnn("search", "--output", run, "--retrain-top", 2)
    assert outcome.code == 0, outcome.err
    finalists = pd.read_csv(run / "finalists.csv")
    assert sorted(finalists["rank"]) == [1, 2]  # no knee: no accuracy is known
    average = pd.read_csv(run / "candidates.csv")["spikes"].mean()
    fitness = finalists["val_accuracy"] * (finalists["val_spikes"] / average) ** -0.08
    assert list(finalists["fitness"]) == pytest.approx(sorted(fitness, reverse=True))


def test_cells_have_no_baselines(tmp_path: Path, autosnn: Autosnn, tiny: Args) -> None:
    cells = ("--space", "SNASNet-Fw", "--baselines")
    outcome = autosnn("search", "--output", tmp_path / "run", *tiny, *SNASNET, *cells)
    assert outcome.code == 2
    assert "SNASNet-Fw has no SCB_k3 for a baseline; give --no-baselines" in outcome.err
    assert not (tmp_path / "run").exists()
    assert not Settings(space="SNASNet-Fw", strategy="snasnet").baselines
    assert Settings().baselines


def test_it_needs_spiking_neurons(tmp_path: Path, autosnn: Autosnn, tiny: Args) -> None:
    outcome = autosnn("search", "--output", tmp_path / "run", *tiny, *SNASNET, "--neuron", "ANN")
    assert outcome.code == 2
    assert "needs spiking neurons" in outcome.err


def test_connections_through_time_are_not_pooled(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    pooled = ("--batch-norm", "pooled")
    outcome = autosnn("search", "--output", tmp_path / "run", *tiny, *SNASNET, *pooled)
    assert outcome.code == 2
    assert "SNASNet-Bw has connections between timesteps" in outcome.err


def test_nnictl_is_told_that_there_are_no_trials() -> None:
    with pytest.raises(UserError, match="autosnn search --strategy snasnet"):
        check_tuner({"strategy": "snasnet"})
