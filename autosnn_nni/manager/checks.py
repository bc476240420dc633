"""Checks of an experiment's configuration before its first trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autosnn_nni.errors import UserError
from autosnn_nni.registry import hint
from autosnn_nni.runs.directory import RunDirectory, load_run

if TYPE_CHECKING:
    from autosnn_nni.strategies import Search

#: Its registered name, and the beginning of its class's.
_TUNER = "AutoSNN"


def tuner_search(strategy: str = "evolution", best: int | None = None, **options: Any) -> "Search":
    """The search of a tuner; raises :class:`UserError` for invalid arguments."""
    from autosnn_nni.strategies import make_search  # imported late: only this needs torch

    if best is not None and best < 1:
        raise UserError(f"best must be at least 1, not {best}")
    search = make_search(strategy, options)
    if not search.needs_supernet:
        raise UserError(
            f"{strategy} scores without trials; use autosnn search --strategy {strategy}"
        )
    return search


def is_ours(tuner: Any) -> bool:
    """Whether an experiment's ``tuner`` is the package's."""
    if tuner is None:
        return False
    return tuner.name == _TUNER or (tuner.class_name or "").endswith(f".{_TUNER}Tuner")


def check_tuner(arguments: Mapping[str, Any]) -> None:
    """Raise :class:`UserError` if ``tuner.classArgs`` are invalid."""
    own = {name: value for name, value in arguments.items() if name != "open_to_network"}
    try:
        tuner_search(**own)
    except (TypeError, UserError) as error:
        raise UserError(f"tuner.classArgs: {error}") from error


def check_run(trial_code_directory: Path, search_space: Mapping[str, Any]) -> RunDirectory:
    """The run in ``trial_code_directory``, whose supernet scores the trials.

    Raises :class:`UserError` that starts with the invalid field of the configuration.
    """
    from autosnn_nni.runs.inputs import load_supernet  # imported late, as above

    try:
        run = load_run(trial_code_directory)
        load_supernet(run)
    except UserError as error:
        raise UserError(f"trialCodeDirectory: {error}") from error
    _check_space(run, search_space)
    return run


def _check_space(run: RunDirectory, search_space: Mapping[str, Any]) -> None:
    expected = run.settings.network.choices
    if not isinstance(search_space, Mapping):
        raise UserError(f"searchSpace: must have a choice of each of {', '.join(expected)}")
    if set(search_space) != set(expected):
        raise UserError(
            f"searchSpace: {run.settings.space} has the TBD blocks {', '.join(expected)}, "
            f"not {', '.join(search_space) or 'none'}"
        )
    for label, candidates in expected.items():
        _check_choice(label, search_space[label], candidates)


def _check_choice(label: str, choice: Any, candidates: tuple[str, ...]) -> None:
    known = isinstance(choice, Mapping)
    kind, values = (choice.get("_type"), choice.get("_value")) if known else (None, None)
    if kind != "choice" or not isinstance(values, list) or not values:
        raise UserError(f"searchSpace.{label}: must be a choice with a list of blocks as _value")
    for value in values:
        if values.count(value) > 1:
            raise UserError(f"searchSpace.{label}: {value!r} is named twice; leave one out")
        if value not in candidates:
            suggestion = hint(str(value), candidates)
            raise UserError(
                f"searchSpace.{label}: the supernet has no block {value!r}; {suggestion}"
            )
