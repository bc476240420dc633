"""Optuna's NSGA-II on a table: python examples/table_optuna.py [TABLE.json]."""

import sys

import optuna

from autosnn_nni.table import Table

table = Table(sys.argv[1] if len(sys.argv) > 1 else "SNN_1/fashion14")


def objective(trial: optuna.Trial) -> tuple[float, float]:
    """Accuracy and spikes on D_val."""
    places = enumerate(table.choices, start=1)
    blocks = [trial.suggest_categorical(f"tbd{place}", names) for place, names in places]
    found = table.query(blocks, seed=0).val
    return found.accuracy, found.spikes


sampler = optuna.samplers.NSGAIISampler(seed=0)
study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
study.optimize(objective, n_trials=200)
front = {tuple(trial.params.values()): trial.values for trial in study.best_trials}
for blocks, (accuracy, spikes) in front.items():
    print(f"{accuracy:.4f} {spikes:,.0f}", *blocks)
