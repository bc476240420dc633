"""Measurements of a recipe's rows: one record per trained network."""

from collections.abc import Iterator
from typing import Any

from autosnn_nni.reproduce.laboratory import Laboratory, Values, random_architectures
from autosnn_nni.reproduce.recipes import Row
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import NETWORKS, Architecture, to_text

Record = dict[str, Any]

_SETTINGS = (
    *("dataset", "images", "space", "channels", "timesteps", "neuron"),
    *("spike_regularisation", "retrain_epochs"),
)
_RESULT = ("accuracy", "spikes", "neuron_spikes", "firing_rate", "parameters", "neurons")


def measure(row: Row, laboratory: Laboratory) -> Iterator[Record]:
    """Train the row's networks unless that is done, and test them."""
    for settings, search in _settings(row):
        for blocks in _architectures(row, settings, search, laboratory):
            result = laboratory.train(settings, blocks)
            record = _record(row, settings, result)
            if row.supernet:
                inherited = laboratory.score(search, blocks)
                record |= {f"supernet_{key}": inherited[key] for key in ("accuracy", "spikes")}
            yield record


def check(row: Row, laboratory: Laboratory) -> None:
    """Check what :func:`measure` needs; raises :class:`UserError`, and does not write anything."""
    for settings, search in _settings(row):
        if row.kind == "search" or row.supernet:
            laboratory.check(search)
        if row.kind == "search":
            laboratory.check(settings)
            continue
        for blocks in _architectures(row, settings, search, laboratory):
            laboratory.check(settings, blocks)


def _settings(row: Row) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The settings of training and those of the search, for every seed."""
    for seed in row.seeds:
        settings, search = {**row.settings, "seed": seed}, {**row.search, "seed": seed}
        if row.kind == "network":
            settings["space"] = NETWORKS[row.network].space
        yield settings, search


def _architectures(
    row: Row, settings: Values, search: Values, laboratory: Laboratory
) -> list[Architecture]:
    if row.kind == "network":
        return [NETWORKS[row.network].blocks]
    if row.kind == "search":
        return [laboratory.search(search)]
    if row.kind == "sample":
        return random_architectures(settings, row.network)
    if isinstance(row.network, str):
        return [(row.network,) * Settings.named(settings).network.macro.tbd_blocks]
    return [tuple(row.network)]


def _record(row: Row, settings: Values, result: dict[str, Any]) -> Record:
    known = Settings.named(settings)
    return {
        "row": row.name,
        "series": row.series,
        **{name: getattr(known, name) for name in _SETTINGS},
        "seed": known.seed,
        "blocks": to_text(result["blocks"]),
        **{name: result[name] for name in _RESULT},
        "layers": result["layers"],
        "stages": result["stages"],
        "activations": result["activations"],
    }
