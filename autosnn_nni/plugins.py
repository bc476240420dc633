"""Plugins: Python files with a user's own blocks, spaces, data sets and searches."""

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from autosnn_nni.errors import UserError


def load_plugins(paths: Iterable[Path]) -> None:
    """Load several plugins."""
    for path in paths:
        load_plugin(path)


def load_plugin(path: Path) -> None:
    """Run a Python file that registers something; each file is run only once.

    Raises :class:`UserError` if the file is missing or fails.
    """
    path = path.resolve()
    name = f"autosnn_plugin_{path.stem}_{abs(hash(str(path)))}"
    if name in sys.modules:
        return
    if path.suffix != ".py" or not path.is_file():
        raise UserError(f"plugin {path} is not a Python file; check --plugin")
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        # Not imported, which would write a __pycache__ folder next to the user's file.
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        raise UserError(f"plugin {path} fails: {type(error).__name__}: {error}; fix it") from error
