import itertools
import math
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from autosnn_nni.report.analysis import (
    contenders,
    headline,
    optima,
    search_progress,
    stage_caption,
    stage_spikes,
    stages,
    top_candidates,
)
from autosnn_nni.runs.contents import Candidate, read_contents


def candidate(fitness: float, generation: int, order: int) -> Candidate:
    return Candidate(("skip",), fitness, generation, order, accuracy=0.5, spikes=10.0)


def test_progress_keeps_the_best_so_far() -> None:
    scores = [(0.4, 1), (0.6, 1), (0.5, 2), (0.9, 4)]
    found = [candidate(fitness, at, order) for order, (fitness, at) in enumerate(scores, start=1)]
    progress = search_progress(found)
    assert progress.unit == "generation"
    assert progress.steps == (1, 2, 4)
    assert [best.fitness for best in progress.best_of_step] == [0.6, 0.5, 0.9]
    assert [best.fitness for best in progress.best_so_far] == [0.6, 0.6, 0.9]


def test_progress_of_a_single_generation_is_by_evaluation() -> None:
    progress = search_progress([candidate(0.4, 1, 1), candidate(0.3, 1, 2)])
    assert progress.unit == "evaluation"
    assert progress.steps == (1, 2)
    assert [best.fitness for best in progress.best_so_far] == [0.4, 0.4]


def test_top_candidates_are_the_fittest_and_nan_comes_last() -> None:
    found = [candidate(float("nan"), 1, 1), candidate(0.3, 1, 2), candidate(0.8, 1, 3)]
    assert [best.order for best in top_candidates(found)] == [3, 2, 1]
    assert [best.order for best in top_candidates(found, 1)] == [3]


def scored(points: list[tuple[float, float]]) -> list[Candidate]:
    return [
        Candidate((f"b{order}",), 0.0, 1, order, accuracy=accuracy, spikes=spikes)
        for order, (accuracy, spikes) in enumerate(points, start=1)
    ]


def test_the_optima_are_the_fittest_for_their_lambdas() -> None:
    rng = Random(0)
    found = scored([(rng.uniform(0.1, 1), rng.uniform(10, 1000)) for _ in range(200)])
    best = optima(found)
    assert (best[0].lowest, best[-1].highest) == (-math.inf, 0)
    assert all(one.highest == other.lowest for one, other in itertools.pairwise(best))
    for step in range(300):
        lambda_ = -step / 100
        fittest = max(found, key=lambda one: one.accuracy * one.spikes**lambda_)
        (here,) = {one.candidate for one in best if one.lowest < lambda_ <= one.highest}
        assert here == fittest


def test_equal_architectures_are_one_optimum() -> None:
    (only,) = optima(scored([(0.5, 10.0), (0.5, 10.0), (0.4, 20.0)]))
    assert (only.candidate.order, only.lowest, only.highest) == (1, -math.inf, 0)


def test_networks_that_never_fire_are_no_optimum() -> None:
    assert [one.candidate.order for one in optima(scored([(0.1, 0.0), (0.5, 10.0)]))] == [2]
    assert optima([]) == []


def test_the_spikes_of_the_stages_are_those_of_the_network(run: Path) -> None:
    contents = read_contents(run)
    assert contents.result
    total = sum(stage_spikes(stage, contents.result) or 0 for stage in stages(contents))
    assert total == pytest.approx(contents.result.spikes)


def test_a_stage_is_not_mixed_up_with_one_whose_name_it_starts(run: Path) -> None:
    contents = read_contents(run)
    skip = next(stage for stage in stages(contents) if stage.block == "skip")
    assert stage_spikes(skip, contents.result) is None
    assert stage_caption(skip, contents.result) == "adds no spikes"


def test_the_winner_comes_before_the_baselines(run: Path) -> None:
    labels = [network.label for network in contenders(read_contents(run))]
    assert labels == ["Winner", "SCB_k3 throughout", "SRB_k3 throughout"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("result.json",), "97.2 % test accuracy with 3,470 spikes per image"),
        (("best.json",), "98.1 % validation accuracy with 2,300 spikes per image"),
        (("candidates.csv",), "200 architectures evaluated"),
        (("supernet.csv",), "Supernet after 40 epochs"),
        (("retrained.csv",), "Network after 40 epochs"),
        (("settings.json",), "Nothing has been trained"),
    ],
)
def test_the_headline_is_the_furthest_result(
    run_with: Callable[..., Path], names: tuple[str, ...], expected: str
) -> None:
    assert expected in headline(read_contents(run_with(*names)))
