"""Write files atomically: readers and resumed runs never see a partial file."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError

_SUFFIX = ".autosnn-tmp"


def write_whole(path: Path, content: bytes | str) -> None:
    """Write ``content`` to ``path`` in one step: temporary file, fsync, rename.

    Raises :class:`UserError` if the disk is full or the folder can't be written.
    """
    data = content.encode() if isinstance(content, str) else content
    write_whole_with(path, lambda temporary: temporary.write_bytes(data))


def write_whole_with(
    path: Path,
    write: Callable[[Path], object],
    fix: str = "free some space or choose another --output",
) -> None:
    """Like :func:`write_whole`, for functions that write to a path.

    ``fix`` tells the user what to do if writing fails.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(_SUFFIX, f".{path.name}.", path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error}); {fix}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def clear_temporaries(folder: Path) -> None:
    """Delete temporary files that killed processes have left below ``folder``."""
    for temporary in folder.rglob(f".*{_SUFFIX}"):
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, in one step."""
    write_whole(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; raises :class:`UserError` for a missing or broken file."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); restore it or start a new run") from None
