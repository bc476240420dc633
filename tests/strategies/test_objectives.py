"""Objectives by name, their values by hand, and what is done with them."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.energy import ENERGY
from autosnn_nni.errors import UserError
from autosnn_nni.strategies import (
    NSGA2,
    OBJECTIVES,
    Choices,
    Constraints,
    Evaluated,
    Fitness,
    History,
    Measurements,
    Objective,
    check_objectives,
    find_objective,
    front_of,
    knee,
)
from autosnn_nni.strategies.generations import run_alone
from autosnn_nni.testing.samples import MEASURED

ONE = replace(MEASURED, parameters=4_001)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.9, "90.0 %"),
        ("spikes", 1_000, "1,000"),
        ("synops", 20_000, "20,000"),
        ("energy", 20_000 * 0.9e-12 + 3_000 * 4.6e-12, "31.8 nJ"),
        ("energy:loihi", 23_000 * 23.6e-12, "543 nJ"),
        ("parameters", 4_001, "4,001"),
        ("memory", 4_001, "3.91 KiB"),
        ("memory:4", 2_000.5, "1.95 KiB"),
        ("memory:32", 16_004, "15.6 KiB"),
        ("neurons", 500, "500"),
        ("timesteps", 4, "4.0"),
        ("milliseconds", 2.5, "2.5 ms"),
    ],
)
def test_values_by_hand(name: str, value: float, text: str) -> None:
    objective = find_objective(name)
    assert objective.name == name
    assert objective.value(ONE) == pytest.approx(value, rel=1e-12)
    assert objective.text(objective.value(ONE)) == text
    assert objective.cost(ONE) == (-1 if name == "accuracy" else 1) * objective.value(ONE)


def test_every_objective_has_a_value_above() -> None:
    tested = {"accuracy", "spikes", "synops", "energy", "parameters", "memory", "neurons"}
    assert tested | {"timesteps", "milliseconds"} == OBJECTIVES.keys()


def test_what_is_not_known_is_nan() -> None:
    before = Measurements(accuracy=0.9, spikes=100)  # of a file of an earlier version
    for name in OBJECTIVES.keys() - {"accuracy", "spikes"}:
        assert math.isnan(find_objective(name).value(before))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("energi", "unknown objective 'energi'; did you mean 'energy'?"),
        ("energy:lohi", "unknown energy model 'lohi'; did you mean 'loihi'?"),
        ("spikes:4", "objective 'spikes' takes no argument; leave out ':4'"),
        ("memory:0", "memory:0 must have a number of bits from 1 to 64"),
        ("memory:few", "memory:few must have a number of bits"),
    ],
)
def test_a_name_of_none_is_refused(name: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        find_objective(name)
    assert message in str(caught.value)


@pytest.mark.usefixtures("registries")
def test_a_plugin_adds_one_with_a_function_and_a_line() -> None:
    def spikes_of_a_neuron() -> Objective:
        return Objective(title="spikes of a neuron", value=lambda one: one.spikes / one.neurons)

    OBJECTIVES.add("sparsity", spikes_of_a_neuron)
    assert find_objective("sparsity").value(ONE) == 2
    assert Constraints(max=("sparsity=1",)).violation(ONE) == 1
    OBJECTIVES.add("nothing", lambda: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(UserError, match="objective 'nothing' must be an Objective"):
        find_objective("nothing")


@pytest.mark.parametrize(
    "names", [("accuracy",), ("energy", "spikes"), ("accuracy", "energy", "energy"), ()]
)
def test_objectives_are_accuracy_and_others(names: Sequence[str]) -> None:
    with pytest.raises(UserError, match="objectives must be accuracy and one or more others"):
        check_objectives(names)


@pytest.mark.parametrize(
    ("bounds", "violation"),
    [
        ({"max": ("energy=31.8nJ",)}, 0),
        ({"max": ("energy=15.9nJ",)}, 1),
        ({"max": ("energy:loihi = 0.2714uJ", "memory:4=1000.25B")}, 2),
        ({"max": ("memory=1KiB",)}, 4_001 / 1_024 - 1),
        ({"max": ("spikes=2K",), "min": ("accuracy=85%",)}, 0),
        ({"min": ("accuracy=0.95",)}, 1 - 0.9 / 0.95),
        ({"max": ("milliseconds=5ms",), "max_spikes": 500}, 1),
    ],
)
def test_bounds_on_any_objective(bounds: dict[str, object], violation: float) -> None:
    assert Constraints(**bounds).violation(ONE) == pytest.approx(violation, abs=1e-12)


def test_an_unknown_value_keeps_no_bound() -> None:
    before = Measurements(accuracy=0.9, spikes=100)
    assert Constraints(max=("energy=1mJ",)).violation(before) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy", "max must be a name and a value, as in energy=2uJ, not 'energy'"),
        ("energy=2uW", "max energy must be a number such as 2uJ or 350nJ, not '2uW'"),
        ("energy=-1uJ", "max energy must be positive, not -1uJ"),
        ("memory=lots", "max memory must be a number such as 64KiB or 1MB, not 'lots'"),
        ("memory:4=1XB", "max memory:4 must be a number such as 64KiB"),
        ("speed=2", "unknown objective 'speed'"),
    ],
)
def test_a_bound_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        Constraints(max=(text,))
    assert message in str(caught.value)


def test_constraints_are_written_as_options() -> None:
    bounds = Constraints(max_spikes=80_000, max=("energy=2uJ",), min=("accuracy=85%",))
    assert str(bounds) == "--max-spikes 80,000 --max energy=2uJ --min accuracy=85%"


@given(st.floats(0.01, 1), st.floats(1e3, 1e9), st.floats(1e3, 1e9))
def test_the_fitness_has_any_cost(accuracy: float, synops: float, average: float) -> None:
    fitness = Fitness(-0.08, cost="energy")
    joules = ENERGY["cmos45"].joules
    one = Measurements(accuracy=accuracy, spikes=5, synops=synops, macs=10)
    expected = accuracy * (joules(synops, 10) / joules(average, 10)) ** -0.08
    assert fitness.of(one, joules(average, 10)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ("accuracy", "the fitness needs a cost of which less is better, not accuracy"),
        ("milliseconds", "whose average over the supernet's paths is not known"),
    ],
)
def test_a_cost_that_has_no_sense_in_a_fitness_is_refused(cost: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Fitness(cost=cost)


def landscape(blocks: Sequence[str]) -> dict[str, float]:
    """Accuracy and spikes rise with the letters, operations fall; memory counts the last block."""
    worth = sum("abcd".index(block) for block in blocks)
    parameters = 10 + "abcd".index(blocks[-1])
    return {
        "default": worth,
        "accuracy": worth / 10,
        "spikes": 10 + worth,
        "synops": 100 - worth,
        "macs": 0,
        "parameters": parameters,
    }


def searched(**options: object) -> History:
    search = NSGA2(rounds=6, population=8, **options)
    return run_alone(search, Choices([tuple("abcd")] * 3), landscape)


def test_nsga2_searches_for_the_objectives_that_are_named() -> None:
    by_spikes, by_energy = searched(), searched(objectives=["accuracy", "energy"])
    assert len(front_of(by_spikes)) > 1  # more accurate is more spikes
    best = front_of(by_energy, (find_objective("accuracy"), find_objective("energy")))
    assert [one.blocks for one in best] == [("d", "d", "d")]  # more accurate is less energy
    three = searched(objectives=("accuracy", "energy", "memory"))
    names = ("accuracy", "energy", "memory")
    front = front_of(three, [find_objective(name) for name in names])
    assert ("d", "d", "d") in [one.blocks for one in front]
    assert len(front) > 1  # less memory is less accurate


def test_nsga2_says_what_was_not_measured() -> None:
    history = History([Evaluated(("a",) * 3, 1.0, 1, accuracy=0.5, spikes=1.0)])
    with pytest.raises(UserError, match="nsga2 needs the energy of every architecture"):
        NSGA2(objectives=("accuracy", "energy")).propose(Choices([tuple("abcd")] * 3), history)


def test_a_front_and_a_knee_of_other_objectives() -> None:
    energy = find_objective("energy")
    found = [
        Measurements(accuracy=accuracy, spikes=spikes, synops=synops, macs=0)
        for accuracy, spikes, synops in ((0.5, 30, 10), (0.8, 20, 20), (0.9, 10, 400))
    ]
    assert front_of(found) == found[2:]
    assert front_of(found, (find_objective("accuracy"), energy)) == found
    assert knee(found, energy) == found[1]
