"""Every ``autosnn`` command of the documents is one, and its settings can be made."""

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from autosnn_nni.cli import options, stages
from autosnn_nni.cli.app import app
from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.runs.settings import Settings
from tests.autosnn_nni.documents.pages import DOCUMENTS, ROOT, commands

_SETTINGS = ("search", "supernet")
_CHANGES_THE_SHELL = {"--install-completion"}


def parse(arguments: tuple[str, ...]) -> tuple[Any, Any]:
    """The command that a line names, and what it would be called with; exits for a wrong line."""
    command, rest, context = get_command(app), list(arguments), None
    name: Any = "autosnn"
    while True:
        context = command.make_context(name, rest, parent=context)
        if not hasattr(command, "commands") or not context._protected_args:
            return command, context
        name, command, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_is_one(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Settings] = []
    for name in _SETTINGS:
        monkeypatch.setattr(stages, name, lambda given, *_: made.append(_settings(given)))
    monkeypatch.setattr(options, "read_config", lambda *_: {})  # files of the reader's own
    wrong = []
    for one in commands(document):
        if one.program == "autosnn" and not _CHANGES_THE_SHELL & set(one.arguments):
            try:
                command, context = parse(one.arguments)
                if command.name in _SETTINGS:
                    command.invoke(context)
            except (Exception, SystemExit) as error:
                wrong.append(f"{one}: {error}")
    assert wrong == []


def _settings(given: dict[str, Any]) -> Settings | None:
    """The run's settings, unless they need files of the reader's own."""
    own = given.get("plugins") or given.get("dataset", "digits") not in DATASETS
    return None if own else Settings(**given)


@pytest.mark.parametrize("line", ["search --lambdas 0", "serch", "fits --chip", "table mak"])
def test_a_wrong_command_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"No such|Missing|requires"):
        parse(tuple(line.split()))


def test_a_wrong_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "search", lambda given, *_: _settings(given))
    command, context = parse(("search", "--loss", "mean"))
    with pytest.raises(UserError, match="mean"):
        command.invoke(context)
