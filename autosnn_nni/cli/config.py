"""Settings from a file: ``--config run.yml``, or the ``settings.json`` of another run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from autosnn_nni.errors import UserError
from autosnn_nni.formats import read_stamped, without_stamp
from autosnn_nni.runs.settings import Settings


def read_config(path: Path, convert: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in a YAML or JSON file, as arguments of :class:`Settings`.

    Names are those of the options or of ``settings.json``; ``convert`` has the functions that read
    an option's text, by the setting's name. What is empty is left out. Raises :class:`UserError`
    for a file that can't be read, and for unknown settings.
    """
    values = _read(path)
    named = {str(key).removeprefix("--").replace("-", "_"): values[key] for key in values}
    try:
        found = Settings.arguments(named)
        arguments = {name: value for name, value in found.items() if value is not None}
        texts = {name for name, value in arguments.items() if isinstance(value, str)}
        for name in texts & convert.keys():
            arguments[name] = convert[name](arguments[name])
        if arguments.get("precision") == 32:  # a number to YAML, but a name among the settings
            arguments["precision"] = "32"
        Settings.check_types({name: one for name, one in arguments.items() if one is not None})
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return arguments


def _read(path: Path) -> dict[str, Any]:
    """The contents of the file; a run's settings mean what they meant in its version."""
    if path.suffix == ".json":
        content = read_stamped(path)
        recorded = isinstance(content, Mapping) and "format" in content
        values = Settings.completed(without_stamp(content)) if recorded else content
    else:
        values = _read_yaml(path)
    if not isinstance(values, Mapping):
        raise UserError(f"{path} has no settings; write one per line, such as  channels: 16")
    return dict(values)


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} is not YAML ({reason}); write lines such as  channels: 16"
        ) from None
