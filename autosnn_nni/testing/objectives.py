"""What an objective must hold."""

import math
from dataclasses import replace

from autosnn_nni.numbers import DASH
from autosnn_nni.strategies import Constraints, find_objective
from autosnn_nni.testing.contract import Contract
from autosnn_nni.testing.samples import MEASURED, UNKNOWN

_UNITS = ("", "%", "J", "B", "ms")


class ObjectiveContract(Contract):
    """A value for every network, whatever is known of it, and a place in constraints."""

    def test_it_has_a_value_of_what_was_measured(self, name: str) -> None:
        """A finite number, always the same."""
        objective = find_objective(name)
        value = objective.value(MEASURED)
        assert math.isfinite(value)
        assert objective.value(MEASURED) == value

    def test_what_is_not_known_is_nan(self, name: str) -> None:
        """Not an error: files of earlier versions have less."""
        assert math.isnan(find_objective(name).value(UNKNOWN))

    def test_it_needs_only_what_it_says(self, name: str) -> None:
        """Milliseconds are measured for objectives that are ``timed``, and for no others."""
        objective = find_objective(name)
        value = objective.value(replace(MEASURED, milliseconds=math.nan))
        assert math.isnan(value) == objective.timed

    def test_people_can_read_it(self, name: str) -> None:
        """A title for axes, and its value as text."""
        objective = find_objective(name)
        assert objective.title.strip()
        assert objective.unit in _UNITS
        assert objective.text(objective.value(MEASURED)) != DASH
        assert objective.text(math.nan) == DASH

    def test_it_can_be_a_constraint(self, name: str) -> None:
        """A bound on its value is satisfied up to the value itself."""
        objective = find_objective(name)
        value = objective.value(MEASURED)
        for factor, satisfied in ((1.01, True), (0.99, False)):
            bound = Constraints(max=(f"{name}={factor * value!r}",))
            assert (bound.violation(MEASURED) == 0) == satisfied
