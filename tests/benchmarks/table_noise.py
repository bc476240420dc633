"""How far architectures differ beyond the seeds: ``python -m tests.benchmarks.table_noise TABLE``.

The first architectures of a table's plan are trained with two seeds by each of several settings,
named by how they differ from the plan's: ``channels=16,retrain_epochs=2`` (``same`` is no
difference). Printed are, for test accuracy and spikes, the standard deviation of the seeds, that of
the architectures beyond it, the correlation and tau between two seeds, and the tau between the
setting's means and those of the first one named, over the architectures of both. A row is written
for every training, so the same command resumes.
"""

import argparse
import itertools
import json
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from autosnn_nni.data import Splits
from autosnn_nni.files import write_whole
from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import load_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.search_spaces import Architecture, to_text
from autosnn_nni.table.measure import measure
from autosnn_nni.table.plan import Plan, Task, plan_named
from tests.benchmarks.named import pairs

SEEDS = (0, 1)


@cache
def changed(table: str, setting: str) -> tuple[Plan, Splits]:
    """The plan of ``table`` with the values in ``setting``, and its images."""
    plan = plan_named(table)
    values = {key: _value(text) for key, text in pairs(setting, "same")}
    values = {**plan.values, **values}
    epochs = (0, values["retrain_epochs"])
    plan = replace(plan, values=values, epochs=epochs, other_timesteps=())
    return plan, load_data(RunDirectory(Path(), plan.settings), Machine())


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def train(plan: Plan, data: Splits, blocks: Architecture, seed: int) -> dict[str, Any]:
    """Train and test one architecture; ``seconds`` are those of a processor."""
    start = time.process_time()
    *_, row = measure(Task(blocks, plan.timesteps, seed), plan, data)
    seconds = round(time.process_time() - start, 2)
    return {"accuracy": row["test_accuracy"], "spikes": row["test_spikes"], "seconds": seconds}


def noise(trained: pd.DataFrame, column: str) -> dict[str, float]:
    """What is said of a ``column`` of accuracies or spikes of two seeds."""
    seeds = trained.pivot(index="blocks", columns="seed", values=column).dropna()
    within = float(((seeds[0] - seeds[1]) ** 2 / 2).mean() ** 0.5)
    total = float(seeds.mean(axis=1).var()) - within**2 / 2
    return {
        "mean": float(seeds.mean(axis=None)),
        "seeds": within,
        "architectures": max(total, 0.0) ** 0.5,
        "r": float(seeds[0].corr(seeds[1])),
        "tau": float(seeds[0].corr(seeds[1], method="kendall")),
    }


def means(trained: pd.DataFrame) -> pd.DataFrame:
    """Those of the seeds, by architecture."""
    return trained.groupby("blocks")[["accuracy", "spikes"]].mean()


def main() -> None:
    """Train what is not in the output yet, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="its name")
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--architectures", type=int, default=20)
    options = parser.parse_args()
    keep_freed_memory()
    rows = pd.read_csv(options.output).to_dict("records") if options.output.exists() else []
    done = {(row["setting"], row["blocks"], row["seed"]) for row in rows}
    drawn = plan_named(options.table).architectures[: options.architectures]
    for blocks, setting, seed in itertools.product(drawn, options.settings, SEEDS):
        key = (setting, to_text(blocks), seed)
        if key not in done:
            named = dict(zip(("setting", "blocks", "seed"), key, strict=True))
            rows.append({**named, **train(*changed(options.table, setting), blocks, seed)})
            write_whole(options.output, pd.DataFrame(rows).to_csv(index=False))
    table = pd.DataFrame(rows)
    first = means(table[table["setting"] == options.settings[0]])
    for setting, trained in table.groupby("setting", sort=False):
        for column in ("accuracy", "spikes"):
            found = noise(trained, column)
            found["first"] = means(trained)[column].corr(first[column], method="kendall")
            numbers = "  ".join(f"{name} {value:.4g}" for name, value in found.items())
            print(f"{setting}  {trained['seconds'].mean():.1f} s  {column}: {numbers}")


if __name__ == "__main__":
    main()
