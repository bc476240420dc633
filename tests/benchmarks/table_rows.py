"""Whether a table's rows come out again: ``python -m tests.benchmarks.table_rows SNN_1/fashion14``.

Networks drawn at random are trained and measured again. A line for each says whether all its rows
are the same to the last digit, or else by how much they differ: on the table's machine they must be
the same, on another processor they are rounded differently.
"""

import argparse
from pathlib import Path
from random import Random

import pandas as pd
import torch

from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import load_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.search_spaces import to_text
from autosnn_nni.table import Table
from autosnn_nni.table.measure import measure
from autosnn_nni.table.rows import COLUMNS, KEY, tasks_of


def differences(kept: pd.DataFrame, again: pd.DataFrame) -> "pd.Series[float]":
    """The largest difference of every column that was measured, without the seconds."""
    columns = [name for name in COLUMNS if name not in (*KEY, "seconds")]
    one, other = (
        rows.sort_values("epoch")[columns].reset_index(drop=True) for rows in (kept, again)
    )
    assert one.isna().equals(other.isna())
    return (one - other).abs().max().fillna(0)


def main() -> None:
    """Train some again, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="its name, or its JSON file")
    parser.add_argument("--networks", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    options = parser.parse_args()
    torch.set_num_threads(1)  # as the table's trainings have
    keep_freed_memory()
    table = Table(options.table)
    data = load_data(RunDirectory(Path(), table.plan.settings), Machine())
    tasks = sorted(set(tasks_of(table.rows)))
    same = 0
    for task in Random(options.seed).sample(tasks, min(options.networks, len(tasks))):
        again = pd.DataFrame(measure(task, table.plan, data), columns=list(COLUMNS))
        key = {"blocks": to_text(task.blocks), "timesteps": task.timesteps, "seed": task.seed}
        kept = table.rows[(table.rows[list(key)] == pd.Series(key)).all(axis=1)]
        found = differences(kept, again)
        same += not found.any()
        text = ", ".join(f"{name} by {found[name]:g}" for name in found.index[found > 0])
        print(*key.values(), "differs:" if text else "is the same", text, flush=True)
    print(f"{same} of {min(options.networks, len(tasks))} are the same")


if __name__ == "__main__":
    main()
