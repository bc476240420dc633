"""What a table consists of."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.errors import UserError
from autosnn_nni.table import PLANS, Plan
from autosnn_nni.table.plan import plan_named
from tests.autosnn_nni.table.made import PLAN, VALUES


def test_every_architecture_has_all_seeds_and_the_sample_more() -> None:
    seeds = Counter(task.blocks for task in PLAN.tasks if task.timesteps == 2)
    assert len(seeds) == 32
    assert Counter(seeds.values()) == {2: 30, 3: 2}
    sample = {blocks for blocks, count in seeds.items() if count == 3}
    assert {task.blocks for task in PLAN.tasks if task.timesteps == 1} == sample
    assert len(set(PLAN.tasks)) == len(PLAN.tasks) == 32 * 2 + 2 + 2


def test_the_front_gets_further_seeds_unless_it_has_them() -> None:
    inside, outside = PLAN.architectures[0], PLAN.architectures[-1]
    tasks = PLAN.of_front([inside, outside])
    assert [(task.blocks, task.seed) for task in tasks] == [(outside, 2)]


@given(of=st.integers(1, 9))
def test_shards_are_the_whole(of: int) -> None:
    parts = [PLAN.tasks[number::of] for number in range(of)]
    assert sorted(task for part in parts for task in part) == sorted(PLAN.tasks)


@pytest.mark.parametrize("plan", [PLAN, *PLANS.values()])
def test_a_plan_is_the_same_after_json(plan: Plan) -> None:
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again.to_json() == plan.to_json()
    assert again.tasks == plan.tasks


def test_a_plan_of_an_older_version_means_what_it_meant() -> None:
    content = PLAN.to_json()
    del content["values"]["averages"]
    assert Plan.from_json(content).settings.averages == "mean"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epochs": (0, 3)}, "rise from 0 or more to the last one, 2"),
        ({"epochs": (0, 1)}, "rise from 0 or more to the last one, 2"),
        ({"epochs": (1, 0, 2)}, "rise from 0"),
        ({"epochs": (0, 0, 2)}, "rise from 0"),
        ({"epochs": (-1, 2)}, "rise from 0"),
        ({"epochs": ()}, "rise from 0"),
        ({"seeds": 0}, "at least one seed"),
        ({"sample": -1}, "no negative sample"),
        ({"other_timesteps": (1, 2)}, "differ from each other and 2"),
        ({"other_timesteps": (1, 1)}, "differ from each other and 2"),
        ({"values": {**VALUES, "timesteps": [1, 2]}}, "a single number of timesteps"),
    ],
)
def test_a_plan_that_cannot_be_made_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        replace(PLAN, **wrong)


def test_plans_are_equal_if_their_networks_are() -> None:
    assert replace(PLAN, values={**VALUES, "strategy": "random", "supernet_epochs": 7}) == PLAN
    assert replace(PLAN, values={**VALUES, "channels": 4}) != PLAN
    assert replace(PLAN, sample=3) != PLAN


def test_the_shipped_plan_has_the_whole_space() -> None:
    plan = plan_named("SNN_1/fashion14")
    assert len(set(plan.architectures)) == 5**5
    of_all = {(plan.settings.timesteps, seed) for seed in range(2)}
    assert len({task for task in plan.tasks if task[1:] in of_all}) == 2 * 5**5


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(UserError, match="unknown table 'SNN_1/fashion1'; did you mean"):
        plan_named("SNN_1/fashion1")
