"""What ``check-plugin`` tries of losses, schedules and the like; the package's own pass."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import surrogate as spikingjelly

from autosnn_nni.cli.check_training import discounting, loss, sampling, schedule, surrogate
from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import SURROGATES, Surrogate
from autosnn_nni.strategies import DISCOUNTING, SAMPLINGS
from autosnn_nni.training.losses import LOSSES, Loss
from autosnn_nni.training.schedules import SCHEDULES, Schedule

CHECKS: list[tuple[Any, Callable[[str], str]]] = [
    (SURROGATES, surrogate),
    (LOSSES, loss),
    (SCHEDULES, schedule),
    (SAMPLINGS, sampling),
    (DISCOUNTING, discounting),
]
OWN = [(name, check) for registry, check in CHECKS for name in registry]


class Stuck:
    """A sampling whose paths are of no space."""

    per_step = 1
    distils = False

    def __init__(self, space: Any) -> None:
        pass

    def paths(self, rng: Any) -> Iterator[tuple[str, ...]]:
        return itertools.repeat(("skip", "skip"))


def falling(optimizer: Any, peak: float, steps: int) -> Any:
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step)


WRONG: list[tuple[Any, Callable[[str], str], Any, str]] = [
    (
        SURROGATES,
        surrogate,
        Surrogate(lambda x, gradient: gradient / (1 + x * x), spikingjelly.ATan),
        "its gradient is not that of its SpikingJelly module",
    ),
    (LOSSES, loss, Loss(lambda votes, target: (votes / 0).sum()), "is no finite number"),
    (SCHEDULES, schedule, Schedule(0.1, falling), "a rate is negative or not finite: -0.8"),
    (SAMPLINGS, sampling, Stuck, r"its path \('skip', 'skip'\) is no architecture"),
    (
        DISCOUNTING,
        discounting,
        lambda accuracy, cost, coefficient: accuracy - coefficient * cost,
        "with four times the cost the fitness goes from 0.94 to 1.06",
    ),
]


@pytest.mark.parametrize(("name", "check"), OWN, ids=lambda one: getattr(one, "__name__", one))
def test_the_packages_own_pass(name: str, check: Callable[[str], str]) -> None:
    assert check(name)


def test_what_is_found_is_said() -> None:
    assert surrogate("atan") == "the gradient is 1 at the threshold"
    assert schedule("one-cycle") == "from 0.0004 over 0.01 to 4e-08"
    assert sampling("fair") == "2 paths in a step"
    assert discounting("linear") == "0.86 at half of the average cost, 0.74 at twice"


@pytest.mark.parametrize(("registry", "check", "piece", "said"), WRONG)
def test_what_is_wrong_is_refused(
    registry: Any, check: Callable[[str], str], piece: Any, said: str
) -> None:
    before = dict(registry._items)
    registry.add("mine", piece)
    try:
        with pytest.raises(UserError, match=said):
            check("mine")
    finally:
        registry._items = before
