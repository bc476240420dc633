import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.errors import UserError
from autosnn_nni.strategies import DISCOUNTING, Fitness

ACCURACIES = st.floats(0, 1)
SPIKES = st.floats(0.1, 1e7)
COEFFICIENTS = st.floats(-3, 0)


@pytest.mark.parametrize(
    ("coefficient", "accuracy", "spikes", "n_avg", "expected"),
    [
        (-1.0, 0.9, 200.0, 100.0, 0.45),
        (-0.5, 0.8, 25.0, 100.0, 1.6),
        (-2.0, 0.5, 50.0, 100.0, 2.0),
        (-0.08, 0.9, 100.0, 100.0, 0.9),
        (-0.08, 0.8854, 54_000.0, 100_000.0, 0.8854 * math.exp(0.08 * math.log(100 / 54))),
    ],
)
def test_equation_3(
    coefficient: float, accuracy: float, spikes: float, n_avg: float, expected: float
) -> None:
    assert Fitness(coefficient)(accuracy, spikes, n_avg) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("coefficient", "spikes", "expected"), [(-0.1, 50.0, 0.85), (-0.2, 100.0, 0.7), (-1, 200, -1.1)]
)
def test_linear_discounting_subtracts_the_relative_spikes(
    coefficient: float, spikes: float, expected: float
) -> None:
    fitness = Fitness(coefficient, "linear")
    assert fitness(0.9, spikes, 100.0) == pytest.approx(expected)


def test_the_paper_s_default_is_exponential_with_lambda_008() -> None:
    assert Fitness() == Fitness(-0.08, "exponential")


@pytest.mark.parametrize("discounting", DISCOUNTING)
@given(accuracy=ACCURACIES, spikes=SPIKES, n_avg=SPIKES)
def test_lambda_0_gives_the_accuracy(
    discounting: str, accuracy: float, spikes: float, n_avg: float
) -> None:
    assert Fitness(0, discounting)(accuracy, spikes, n_avg) == accuracy


@pytest.mark.parametrize("discounting", DISCOUNTING)
@given(ACCURACIES, SPIKES, SPIKES, SPIKES, COEFFICIENTS)
def test_fewer_spikes_never_lower_the_fitness(
    discounting: str, accuracy: float, one: float, other: float, n_avg: float, coefficient: float
) -> None:
    fitness = Fitness(coefficient, discounting)
    fewer, more = sorted([one, other])
    assert fitness(accuracy, fewer, n_avg) >= fitness(accuracy, more, n_avg)


@pytest.mark.parametrize("discounting", DISCOUNTING)
@given(ACCURACIES, ACCURACIES, SPIKES, SPIKES, COEFFICIENTS)
def test_more_accuracy_never_lowers_the_fitness(
    discounting: str, one: float, other: float, spikes: float, n_avg: float, coefficient: float
) -> None:
    fitness = Fitness(coefficient, discounting)
    less, more = sorted([one, other])
    assert fitness(less, spikes, n_avg) <= fitness(more, spikes, n_avg)


@given(accuracy=st.floats(0.01, 1), one=SPIKES, other=SPIKES, coefficient=COEFFICIENTS)
def test_the_order_of_two_architectures_does_not_depend_on_n_avg(
    accuracy: float, one: float, other: float, coefficient: float
) -> None:
    fitness = Fitness(coefficient)
    ratios = [fitness(accuracy, one, n_avg) / fitness(accuracy, other, n_avg) for n_avg in (1, 5e4)]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-9)


@pytest.mark.parametrize("coefficient", [0.08, 1e-9, math.inf, math.nan])
def test_a_coefficient_that_rewards_spikes_is_refused(coefficient: float) -> None:
    with pytest.raises(UserError, match="lambda must be from -100 to 0") as caught:
        Fitness(coefficient)
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_discounting_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="exponential"):
        Fitness(-0.08, "exponental")


def test_the_fitness_is_finite_whatever_lambda_is() -> None:
    assert Fitness(-100)(0.9, 5.0, 16_000.0) == sys.float_info.max


@pytest.mark.parametrize("discounting", DISCOUNTING)
@given(accuracy=ACCURACIES, spikes=SPIKES, coefficient=st.floats(-100, 0))
def test_a_dead_network_has_the_lowest_fitness_of_all(
    discounting: str, accuracy: float, spikes: float, coefficient: float
) -> None:
    fitness = Fitness(coefficient, discounting)
    dead = fitness(0.1, 0.0, 100.0)
    assert dead <= fitness(accuracy, spikes, 100.0)
    assert math.isfinite(dead)


@pytest.mark.parametrize("coefficient", [0, -0.08, -2, -100])
def test_a_dead_network_has_fitness_0_with_exponential_discounting(coefficient: float) -> None:
    assert Fitness(coefficient)(0.1, 0.0, 100.0) == 0


def test_a_dead_network_is_below_negative_fitness() -> None:
    fitness = Fitness(-1, "linear")
    assert fitness(0.9, 0.0, 100.0) == -1e6 < fitness(0.0, 5000.0, 100.0) == -50


@pytest.mark.parametrize("discounting", DISCOUNTING)
def test_networks_without_spikes_are_judged_by_accuracy(discounting: str) -> None:
    assert Fitness(-0.08, discounting)(0.7, 0.0, 0.0) == 0.7


def test_no_accuracy_is_no_fitness_whatever_lambda_is() -> None:
    assert Fitness(-100)(0.0, 5.0, 16_000.0) == 0


@pytest.mark.parametrize("discounting", DISCOUNTING)
@pytest.mark.parametrize(("cost", "average"), [(-2.0, 3.0), (2.0, -2.0), (-2.0, 0.0)])
def test_a_cost_below_0_is_refused(discounting: str, cost: float, average: float) -> None:
    with pytest.raises(UserError, match="needs a cost of at least 0, but spikes is -2; make it an"):
        Fitness(-0.08, discounting)(0.7, cost, average)
