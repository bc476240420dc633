import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.strategies import front_of, knee, pareto_front

Point = tuple[float, float]

# Few distinct values, so that ties are common.
POINTS = st.lists(
    st.tuples(st.sampled_from([0.1, 0.5, 0.9, 1.0]), st.integers(0, 6).map(float)), max_size=25
)
FLOATS = st.lists(st.tuples(st.floats(), st.floats()), max_size=15)


def dominates(one: Point, other: Point) -> bool:
    return one[0] >= other[0] and one[1] <= other[1] and one != other


def dominated(points: list[Point], index: int) -> bool:
    return any(dominates(other, points[index]) for other in points)


@given(POINTS)
def test_a_point_is_on_the_front_if_and_only_if_none_dominates_it(points: list[Point]) -> None:
    undominated = {index for index in range(len(points)) if not dominated(points, index)}
    assert set(pareto_front(points)) == undominated


@given(FLOATS)
def test_any_floats_are_handled_and_nan_is_never_on_the_front(points: list[Point]) -> None:
    front = pareto_front(points)
    numbers = [point for point in points if not any(map(math.isnan, point))]
    assert bool(front) == bool(numbers)
    for index in front:
        assert points[index] in numbers
        assert not dominated(numbers, numbers.index(points[index]))


@given(POINTS)
def test_the_front_is_sorted_by_spikes_and_holds_each_index_once(points: list[Point]) -> None:
    front = pareto_front(points)
    assert [points[index][1] for index in front] == sorted(points[index][1] for index in front)
    assert len(set(front)) == len(front)


def test_equal_points_are_on_the_front_together() -> None:
    assert pareto_front([(0.9, 100.0), (0.9, 100.0), (0.9, 101.0), (0.8, 100.0)]) == [0, 1]


def test_no_points_have_an_empty_front() -> None:
    assert pareto_front([]) == []


@dataclass(frozen=True)
class Dot:
    accuracy: float
    spikes: float


POSITIVE = st.lists(st.builds(Dot, st.floats(0.01, 1), st.floats(1, 1e6)), min_size=1, max_size=30)


def test_the_knee_is_where_the_front_bends() -> None:
    bend = Dot(0.85, 200)
    dots = [Dot(0.5, 100), Dot(0.6, 130), bend, Dot(0.9, 800), Dot(0.95, 3000), Dot(0.4, 900)]
    assert knee(dots) == bend


def distances(dots: list[Dot]) -> dict[Dot, float]:
    """How far the front is above its chord, both axes scaled so that it runs from (0, 0) to (1, 1).

    Of a front whose ends are too close to scale: nothing.
    """
    front = front_of(dots)
    x = np.log([dot.spikes for dot in front])
    y = np.array([dot.accuracy for dot in front])
    if x[-1] - x[0] < 1e-6 or y[-1] - y[0] < 1e-6:
        return {}
    scaled = (y - y[0]) / (y[-1] - y[0]) - (x - x[0]) / (x[-1] - x[0])
    return dict(zip(front, scaled / math.sqrt(2), strict=True))


@given(POSITIVE)
def test_no_point_of_the_front_is_farther_above_the_chord_than_the_knee(dots: list[Dot]) -> None:
    found, above = knee(dots), distances(dots)
    assert found in front_of(dots)
    if above:
        assert above[found] == pytest.approx(max(above.values()), abs=1e-6)


@given(POSITIVE, st.floats(0.1, 10), st.floats(0.1, 1))
def test_the_knee_does_not_depend_on_units(dots: list[Dot], spikes: float, part: float) -> None:
    again = knee([Dot(dot.accuracy * part, dot.spikes * spikes) for dot in dots])
    above = distances(dots)
    if above:
        assert again is not None
        same = min(above, key=lambda dot: abs(dot.spikes * spikes - again.spikes))
        assert above[same] == pytest.approx(max(above.values()), abs=1e-6)


def test_a_front_without_a_bulge_has_its_knee_at_the_most_accurate_end() -> None:
    assert knee([Dot(0.5, 100), Dot(0.51, 200), Dot(0.9, 300)]) == Dot(0.9, 300)
    assert knee([Dot(0.5, 100), Dot(0.9, 300)]) == Dot(0.9, 300)
    assert knee([Dot(0.5, 100)]) == Dot(0.5, 100)


def test_networks_that_never_fire_are_no_knee() -> None:
    assert knee([Dot(0.1, 0.0), Dot(0.5, 100)]) == Dot(0.5, 100)
    assert knee([Dot(0.1, 0.0), Dot(math.nan, 7.0)]) is None
    assert knee([]) is None
