"""The format of a run's files: each one says its number, and the version that has written it.

JSON files have both at their top, checkpoints in their ``autosnn`` entry. Files of versions before
there were formats have none: their format is 0. A file of a later format is refused, because its
contents can mean anything.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json, write_json
from autosnn_nni.version import __version__

#: The format of the files that this version writes. It reads this one and all before.
#: A new setting needs no new format, see ``before`` in :mod:`autosnn_nni.runs.settings`.
FORMAT = 1

_KEYS = ("format", "version")


def stamp() -> dict[str, Any]:
    """What every file says of itself: its format and the version of the package."""
    return dict(zip(_KEYS, (FORMAT, __version__), strict=True))


def without_stamp(content: Mapping[str, Any]) -> dict[str, Any]:
    """``content`` of a file without what it says of itself."""
    return {key: value for key, value in content.items() if key not in _KEYS}


def check_format(path: Path, stamped: Mapping[str, Any]) -> None:
    """Raise :class:`UserError` if the file ``path`` has a later format, or one that is invalid.

    ``stamped`` is what it says of itself. The first checkpoints say ``autosnn-nni/1``.
    """
    said = stamped.get("format", 0)
    number = re.fullmatch(r"(?:autosnn-nni/)?(\d{1,9})", str(said))
    if number is None:
        raise UserError(f"{path} has no valid format ({said!r}); restore it or start a new run")
    if int(number[1]) > FORMAT:
        raise UserError(
            f"{path} has format {number[1]}, but autosnn-nni {__version__} reads formats up to "
            f"{FORMAT}; upgrade autosnn-nni{_wanted(stamped)}"
        )


def _wanted(stamped: Mapping[str, Any]) -> str:
    """The version that reads a file, if the file says it."""
    version = stamped.get("version")
    return f" to {version} or later" if isinstance(version, str) else ""


def write_stamped(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as JSON with the format and the version at its top, in one step.

    Raises :class:`UserError` if it can't be written.
    """
    write_json(path, {**stamp(), **content})


def read_stamped(path: Path) -> Any:
    """Read JSON, with its format and version if it has them.

    Raises :class:`UserError` for a missing or broken file, and for one of a later format.
    """
    content = read_json(path)
    if isinstance(content, Mapping):
        check_format(path, content)
    return content
