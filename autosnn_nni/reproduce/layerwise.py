"""Spikes, firing rates and activations by stage, for networks in the same figure."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from autosnn_nni.reproduce.records import Record


def layerwise(records: Sequence[Record]) -> pd.DataFrame:
    """A table of ``row``, ``stage``, its ``place``, and means over the row's networks.

    ``spikes`` are per image; ``firing_rate`` per neuron (and pool output) per timestep;
    ``activation`` is the mean output of a stage in a ReLU network.
    """
    lines = [line for record in records for line in _stages(record)]
    table = pd.DataFrame(lines)
    return table.groupby(["row", "stage"], sort=False, as_index=False).mean(numeric_only=True)


def _stages(record: Record) -> Iterator[dict[str, Any]]:
    stages = [stage for stage in record["stages"] if stage["name"] != "vote"]
    for place, (stage, name) in enumerate(zip(stages, _names(stages), strict=True)):
        inside = [one for one in record["layers"] if _belongs(one, stage)]
        means = [one["mean"] for one in record["activations"] if _belongs(one, stage)]
        outputs = sum(layer["neurons"] for layer in inside) * record["timesteps"]
        spikes = sum(layer["spikes"] for layer in inside)
        yield {
            "row": record["row"],
            "stage": name,
            "place": len(record["stages"]) if name == "FC" else place,
            "spikes": math.nan if means else spikes,
            "firing_rate": spikes / outputs if outputs else math.nan,
            "activation": means[-1] if means else math.nan,
        }


def _belongs(layer: dict[str, Any], stage: dict[str, Any]) -> bool:
    return bool(layer["name"].split(".")[0] == stage["name"])


def _names(stages: Sequence[dict[str, Any]]) -> list[str]:
    """The paper's names: TBD1 ..., and DS1 ... for every stage that halves the resolution."""
    names, counts, size = [], {"TBD": 0, "DS": 0}, stages[0]["size"]
    for stage in stages:
        name = str(stage["name"]).upper().removesuffix("1")
        if stage["kind"] == "tbd" or stage["name"].startswith("pool"):
            word = "DS" if stage["size"] < size else "TBD"
            counts[word] += 1
            name = f"{word}{counts[word]}"
        names.append(name)
        size = stage["size"]
    return names
