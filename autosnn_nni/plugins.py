"""A user's own blocks, spaces, data sets and searches from files of theirs."""

import importlib.util
import sys
from pathlib import Path

from autosnn_nni.errors import UserError


def load_plugin(path: Path) -> None:
    """Run a Python file that registers something; each file once.

    Raises :class:`UserError` when the file is missing or fails.
    """
    path = path.resolve()
    name = f"autosnn_plugin_{path.stem}_{abs(hash(str(path)))}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"plugin {path} is not a Python file; check --plugin")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UserError(f"plugin {path} fails: {type(error).__name__}: {error}; mend it") from error
