import itertools
import math
from random import Random

from autosnn_nni.report.search import best_so_far, optima, top_candidates
from autosnn_nni.runs.contents import Candidate


def candidate(fitness: float, order: int) -> Candidate:
    return Candidate(("skip",), fitness, 1, order, accuracy=0.5, spikes=10.0)


def test_the_best_so_far_is_known_after_every_evaluation() -> None:
    scores = [0.4, 0.6, math.nan, 0.5, 0.9]
    found = [candidate(fitness, order) for order, fitness in enumerate(scores, start=1)]
    assert [best.fitness for best in best_so_far(found)] == [0.4, 0.6, 0.6, 0.6, 0.9]


def test_top_candidates_are_the_fittest_and_nan_comes_last() -> None:
    found = [candidate(math.nan, 1), candidate(0.3, 2), candidate(0.8, 3)]
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


def test_lambdas_are_told_in_words() -> None:
    found = optima(scored([(0.1, 0.0), (0.2, 10.0), (0.5, 100.0), (0.9, 500.0)]))
    assert list(map(str, found)) == ["below -0.40", "-0.40 to -0.37", "-0.37 to 0.00"]
