"""An experiment's configuration, checked before its first trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.registry import hint
from autosnn_nni.run_directory import RunDirectory, load_run


def check_run(trial_code_directory: Path, search_space: Mapping[str, Any]) -> RunDirectory:
    """The run in ``trial_code_directory``, whose supernet scores the trials.

    Raises :class:`UserError`, beginning with the field of the configuration that is wrong.
    """
    from autosnn_nni.inputs import load_supernet  # late: nnictl needs no torch for the rest

    try:
        run = load_run(trial_code_directory)
        load_supernet(run)
    except UserError as error:
        raise UserError(f"trialCodeDirectory: {error}") from error
    _check_space(run, search_space)
    return run


def _check_space(run: RunDirectory, search_space: Mapping[str, Any]) -> None:
    expected = run.settings.network.choices
    if set(search_space) != set(expected):
        raise UserError(
            f"searchSpace: {run.settings.space} has the TBD blocks {', '.join(expected)}, "
            f"not {', '.join(search_space) or 'none'}"
        )
    for label, candidates in expected.items():
        _check_choice(label, search_space[label], candidates)


def _check_choice(label: str, choice: Any, candidates: tuple[str, ...]) -> None:
    kind, values = (choice.get("_type"), choice.get("_value")) if choice else (None, None)
    if kind != "choice" or not isinstance(values, list) or not values:
        raise UserError(f"searchSpace.{label}: must be a choice with a list of blocks as _value")
    for value in values:
        if value not in candidates:
            meant = hint(str(value), candidates)
            raise UserError(f"searchSpace.{label}: the supernet has no block {value!r}; {meant}")
