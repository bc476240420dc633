"""Write files atomically: readers and resumed runs never see a partial file."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError

_SUFFIX = ".autosnn-tmp"
#: The temporary files of this process. A signal may come between any two steps of writing one.
_temporaries: set[Path] = set()


def write_whole(path: Path, content: bytes | str) -> None:
    """Write ``content`` to ``path`` in one step: temporary file, fsync, rename.

    Raises :class:`UserError` if the disk is full or the folder can't be written.
    """
    # File names may have bytes that are no UTF-8; a report shows them as escapes.
    data = content if isinstance(content, bytes) else content.encode(errors="backslashreplace")
    write_whole_with(path, lambda temporary: temporary.write_bytes(data))


def write_whole_with(
    path: Path,
    write: Callable[[Path], object],
    fix: str = "free some space or choose another --output",
) -> None:
    """Like :func:`write_whole`, for functions that write to a path.

    ``fix`` tells the user what to do if writing fails.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}")
    _temporaries.add(temporary)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(0o600, exist_ok=False)
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error}); {fix}") from error
    finally:
        with suppress(OSError):  # such as a folder that is none
            temporary.unlink(missing_ok=True)
        _temporaries.discard(temporary)


def remove_temporaries() -> None:
    """Delete the temporary files that this process has left because a signal has come."""
    for temporary in list(_temporaries):
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def clear_temporaries(folder: Path) -> None:
    """Delete temporary files that killed processes have left below ``folder``."""
    for temporary in folder.rglob(f".*{_SUFFIX}"):
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, in one step."""
    write_whole(path, json.dumps(value, indent=2) + "\n")


def checksum(content: bytes) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_json(path: Path) -> Any:
    """Read JSON; raises :class:`UserError` for a missing or broken file."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); restore it or start a new run") from None
