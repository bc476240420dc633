"""The settings of a run as they were used: defaults in place of what was left unset."""

import sys
from collections.abc import Mapping
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.runs.settings import Settings

#: Settings whose default is that of the data set or of the space.
_OF_OTHERS = (
    *("timesteps", "candidates", "batch_size", "learning_rate", "schedule", "augmentation"),
    *("supernet_epochs", "retrain_epochs", "objectives"),
)
#: What it means that a setting is unset or empty, if no value stands behind it.
_UNSET = {
    "plugins": "none",
    "size": "the pictures' own",
    "images": "all",
    "val_images": "all",
    "chip": "none",
    "max_spikes": "none",
    "min_accuracy": "none",
    "max": "none",
    "min": "none",
}


def used_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a settings file, those of the data set, the space or the search if unset.

    Words stand for what has no value: ``"none"``, ``"all"``. What depends on a data set, a space or
    a search that is not here stays ``None``.
    """
    found = dict(settings)
    if found.get("rounds", "") is None:
        found["rounds"] = _rounds(str(found.get("strategy")))
    if any(found.get(key, "") is None for key in _OF_OTHERS):
        found |= _defaults(found)
    return {
        key: _UNSET[key] if value in (None, []) and key in _UNSET else value
        for key, value in found.items()
    }


def _rounds(strategy: str) -> int | str | None:
    """The generations of a search by default; ``None`` if the search is not here."""
    from autosnn_nni.strategies import make_search  # slow to import, as in the settings

    try:
        rounds = getattr(make_search(strategy, {}), "rounds", sys.maxsize)
    except UserError:
        return None
    return rounds if rounds != sys.maxsize else "all"


def _defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The values of unset settings, from the data set and the space; empty if they are not here."""
    known = {key: value for key, value in settings.items() if key in Settings.before()}
    try:
        whole = Settings.named(known).to_json()
    except UserError:
        return {}
    return {key: whole[key] for key, value in known.items() if value is None}
