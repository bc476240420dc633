import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.strategies import Measurements, front_of, knee, pareto_front

Costs = tuple[float, ...]


def rows(values: st.SearchStrategy[float]) -> st.SearchStrategy[list[Costs]]:
    """Lists of one to four costs."""
    widths = st.integers(1, 4)
    return widths.flatmap(lambda width: st.lists(st.tuples(*(values,) * width), max_size=25))


# Few distinct values, so that ties are common.
COSTS = rows(st.integers(0, 5).map(float))
FLOATS = rows(st.floats())


def dominated(costs: list[Costs], index: int) -> bool:
    row = costs[index]
    return any(
        all(a <= b for a, b in zip(other, row, strict=True)) and other != row for other in costs
    )


@given(COSTS)
def test_a_row_is_on_the_front_if_and_only_if_none_dominates_it(costs: list[Costs]) -> None:
    undominated = {index for index in range(len(costs)) if not dominated(costs, index)}
    assert set(pareto_front(costs)) == undominated


@given(FLOATS)
def test_any_floats_are_handled_and_nan_is_never_on_the_front(costs: list[Costs]) -> None:
    front = pareto_front(costs)
    numbers = [row for row in costs if not any(map(math.isnan, row))]
    assert bool(front) == bool(numbers)
    for index in front:
        assert costs[index] in numbers
        assert not dominated(numbers, numbers.index(costs[index]))


@given(COSTS)
def test_the_front_is_sorted_by_its_costs_and_holds_each_index_once(costs: list[Costs]) -> None:
    front = pareto_front(costs)
    assert [costs[index] for index in front] == sorted(costs[index] for index in front)
    assert len(set(front)) == len(front)


def test_equal_rows_are_on_the_front_together() -> None:
    assert pareto_front([(100, -0.9), (100, -0.9), (101, -0.9), (100, -0.8)]) == [0, 1]


def test_no_rows_have_an_empty_front() -> None:
    assert pareto_front([]) == []


def dot(accuracy: float, spikes: float) -> Measurements:
    return Measurements(accuracy=accuracy, spikes=spikes)


Dots = list[Measurements]
POSITIVE = st.lists(st.builds(dot, st.floats(0.01, 1), st.floats(1, 1e6)), min_size=1, max_size=30)


def test_the_knee_is_where_the_front_bends() -> None:
    bend = dot(0.85, 200)
    dots = [dot(0.5, 100), dot(0.6, 130), bend, dot(0.9, 800), dot(0.95, 3000), dot(0.4, 900)]
    assert knee(dots) == bend


def distances(dots: Dots) -> dict[Measurements, float]:
    """How far the front is above its chord, both axes scaled so that it runs from (0, 0) to (1, 1).

    Of a front whose ends are too close to scale: nothing.
    """
    front = front_of(dots)
    x = np.log([one.spikes for one in front])
    y = np.array([one.accuracy for one in front])
    if x[-1] - x[0] < 1e-6 or y[-1] - y[0] < 1e-6:
        return {}
    scaled = (y - y[0]) / (y[-1] - y[0]) - (x - x[0]) / (x[-1] - x[0])
    return dict(zip(front, scaled / math.sqrt(2), strict=True))


@given(POSITIVE)
def test_no_point_of_the_front_is_farther_above_the_chord_than_the_knee(
    dots: list[Measurements],
) -> None:
    found, above = knee(dots), distances(dots)
    assert found in front_of(dots)
    if above:
        assert above[found] == pytest.approx(max(above.values()), abs=1e-6)


@given(POSITIVE, st.floats(0.1, 10), st.floats(0.1, 1))
def test_the_knee_does_not_depend_on_units(
    dots: list[Measurements], spikes: float, part: float
) -> None:
    again = knee([dot(one.accuracy * part, one.spikes * spikes) for one in dots])
    above = distances(dots)
    if above:
        assert again is not None
        same = min(above, key=lambda dot: abs(dot.spikes * spikes - again.spikes))
        assert above[same] == pytest.approx(max(above.values()), abs=1e-6)


def test_a_front_without_a_bulge_has_its_knee_at_the_most_accurate_end() -> None:
    assert knee([dot(0.5, 100), dot(0.51, 200), dot(0.9, 300)]) == dot(0.9, 300)
    assert knee([dot(0.5, 100), dot(0.9, 300)]) == dot(0.9, 300)
    assert knee([dot(0.5, 100)]) == dot(0.5, 100)


def test_networks_that_never_fire_are_no_knee() -> None:
    assert knee([dot(0.1, 0.0), dot(0.5, 100)]) == dot(0.5, 100)
    assert knee([dot(0.1, 0.0), dot(math.nan, 7.0)]) is None
    assert knee([]) is None
