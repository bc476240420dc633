"""A recipe's tables: every trained network, and the rows with the paper's numbers."""

import math
from collections.abc import Sequence

import pandas as pd

from autosnn_nni.reproduce.recipes import Recipe, Row
from autosnn_nni.reproduce.records import Record

#: Factors from the paper's units to those of files.
_UNITS = {"accuracy": 0.01, "spikes": 1e3, "parameters": 1e6, "firing_rate": 1.0}
_NOT_IN_TABLES = ("layers", "stages", "activations")
_SPREAD = ("accuracy", "spikes", "firing_rate")
_SAME = (
    *("dataset", "space", "channels", "timesteps", "neuron", "spike_regularisation"),
    *("retrain_epochs", "blocks"),
)


def networks_table(records: Sequence[Record]) -> pd.DataFrame:
    """One line per trained network."""
    return pd.DataFrame(list(records)).drop(columns=list(_NOT_IN_TABLES))


def rows_table(recipe: Recipe, records: Sequence[Record]) -> pd.DataFrame:
    """One line per row: means and standard deviations of its networks, and the paper's numbers."""
    networks = networks_table(records)
    return pd.DataFrame([_line(row, networks[networks["row"] == row.name]) for row in recipe.rows])


def _line(row: Row, networks: pd.DataFrame) -> dict[str, object]:
    paper = {f"paper_{name}": row.paper.get(name, math.nan) * _UNITS[name] for name in _UNITS}
    return {
        "row": row.name,
        "series": row.series,
        **{name: _joined(networks[name]) for name in _SAME},
        "networks": len(networks),
        **{name: networks[name].mean() for name in _SPREAD},
        **{f"{name}_std": networks[name].std() for name in _SPREAD},
        "parameters": networks["parameters"].mean(),
        **paper,
    }


def _joined(values: pd.Series) -> object:
    """The value that all networks of a row share, or their different values."""
    found = list(values.unique())
    return found[0] if len(found) == 1 else " | ".join(map(str, found)) or None
