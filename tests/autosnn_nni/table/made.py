"""A plan of 32 small networks, and a table of made-up numbers."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from autosnn_nni.search_spaces import to_text
from autosnn_nni.table import Plan, Table
from autosnn_nni.table.packed import pack
from autosnn_nni.table.plan import Task
from autosnn_nni.table.rows import COLUMNS, MEASURED

VALUES = {
    "space": "SNN_1",
    "dataset": "digits",
    "images": 100,
    "channels": 2,
    "timesteps": 2,
    "candidates": ["skip", "SCB_k3"],
    "batch_size": 40,
    "retrain_epochs": 2,
}
#: 32 architectures with two seeds, two of them with a third one and with T = 1.
PLAN = Plan(values=VALUES, epochs=(0, 1, 2), sample=2, more_seeds=1, other_timesteps=(1,))


def made_up(plan: Plan = PLAN) -> pd.DataFrame:
    """Measurements of all the plan's networks: random numbers, better with more blocks."""
    rng = Random(0)
    rows = [row for task in plan.tasks for row in _rows(plan, task, rng)]
    tasks = plan.tasks
    while True:  # the front, with further seeds
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        front = plan.of_front(Table.of(plan, table).front())
        missing = [task for task in front if task not in tasks]
        if not missing:
            return table
        tasks = [*tasks, *missing]
        rows += [row for task in missing for row in _rows(plan, task, rng)]


def _rows(plan: Plan, task: Task, rng: Random) -> Iterator[dict[str, Any]]:
    """Those of a training."""
    work = sum(block != "skip" for block in task.blocks)
    for epoch in plan.epochs:
        row: dict[str, Any] = {
            "blocks": to_text(task.blocks),
            "timesteps": task.timesteps,
            "seed": task.seed,
            "epoch": epoch,
            "seconds": (1 + work) * epoch,
        }
        for split in ("val", "test") if epoch == plan.epochs[-1] else ("val",):
            row[f"{split}_accuracy"] = 0.5 + 0.05 * work + rng.gauss(0, 0.05)
            for name in MEASURED[1:]:
                row[f"{split}_{name}"] = 100 * (1 + work) * task.timesteps + rng.gauss(0, 30)
        if epoch == 0:
            row["score"] = rng.random()
        if epoch == plan.epochs[-1]:
            row["parameters"] = 1000 * (1 + work)
        yield row


def packed_in(folder: Path) -> Path:
    """The table's JSON file, made in ``folder``."""
    path = folder / "small.json"
    pack("small", PLAN, made_up(), path)
    return path


def table() -> Table:
    return Table.of(PLAN, made_up())
