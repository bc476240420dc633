import math

from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.report import pareto_front

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
