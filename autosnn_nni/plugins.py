"""Plugins: Python files with a user's own blocks, spaces, data sets and searches.

Each becomes a module whose name comes from its path. Other processes of a training receive blocks
by pickling, and look for their module by that name: the paths are in the environment.
"""

import hashlib
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType

from autosnn_nni.errors import UserError

_PREFIX = "autosnn_plugin_"
#: The paths of the plugins of this process, as JSON; processes that it starts inherit them.
_VARIABLE = "AUTOSNN_PLUGINS"

#: What each file was when it was loaded.
_loaded: dict[Path, bytes] = {}
#: Files that are loaded in place of missing ones.
_stand_ins: dict[Path, Path] = {}


def load_plugins(paths: Iterable[Path]) -> None:
    """Load several plugins."""
    for path in paths:
        load_plugin(path)


def load_plugin(path: Path) -> None:
    """Run a Python file that registers something; again only if it has changed since.

    It may import modules beside it. Raises :class:`UserError` if the file is missing or fails.
    """
    path = place_of(path)
    if path.suffix != ".py" or not path.is_file():
        raise UserError(f"plugin {path} is not a Python file; check --plugin")
    content = path.read_bytes()
    if _loaded.get(path) == content:
        return
    name = _module_name(path)
    _announce(path)
    sys.modules.pop(name, None)
    with _failures_named(path):
        import_module(name)
    _loaded[path] = content


def stand_in(missing: Path, place: Path) -> None:
    """Load the plugin in ``place`` wherever the ``missing`` one is asked for."""
    _stand_ins[missing.resolve()] = place.resolve()


def place_of(path: Path) -> Path:
    """The file from which the plugin ``path`` is loaded: itself, or what stands in for it."""
    path = path.resolve()
    return path if path.exists() else _stand_ins.get(path, path)


def loaded_called(name: str) -> Path | None:
    """A plugin that is loaded from a file called ``name``, wherever it lies."""
    return next((path for path in _loaded if path.name == name), None)


def own_files(path: Path) -> list[Path]:
    """A loaded plugin's file and those of the modules beside it that are imported."""
    found = {path}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and _beside(Path(file), name, path.parent):
            found.add(Path(file))
    return sorted(found)


class PluginFinder(MetaPathFinder, Loader):
    """Import hook from the names of plugins' modules to their files."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How to import a plugin's module; None for every other name."""
        return ModuleSpec(name, self) if _place_called(name) else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the file. Nothing is written next to it, such as a ``__pycache__`` folder."""
        path = _place_called(module.__name__)
        if path is None:
            raise ImportError(f"there is no plugin {module.__name__}")
        module.__file__ = str(path)
        if str(path.parent) not in sys.path:
            sys.path.append(str(path.parent))  # last: a file beside it hides no package
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
        finally:
            sys.dont_write_bytecode = before


def is_plugin(name: object) -> bool:
    """Whether a module of this name is a plugin."""
    return isinstance(name, str) and name.startswith(_PREFIX)


def find_plugins() -> None:
    """Make plugins importable in this process; called once when the package is imported."""
    sys.meta_path.append(PluginFinder())


def _module_name(path: Path) -> str:
    stem = re.sub(r"\W", "_", path.stem)
    return f"{_PREFIX}{stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def _announced() -> list[str]:
    try:
        paths: list[str] = json.loads(os.environ.get(_VARIABLE, "[]"))
    except ValueError:
        return []
    return paths


def _announce(path: Path) -> None:
    os.environ[_VARIABLE] = json.dumps(list(dict.fromkeys([*_announced(), str(path)])))


def _place_called(name: str) -> Path | None:
    if not name.startswith(_PREFIX):
        return None
    places = (Path(path) for path in _announced())
    return next((path for path in places if _module_name(path) == name), None)


def _beside(file: Path, name: str, folder: Path) -> bool:
    """Whether the module ``name`` comes from ``file`` in the plugin's folder, not a package's."""
    inside = file.with_suffix("") if file.stem != "__init__" else file.parent
    return (
        file.suffix == ".py"
        and not name.startswith("autosnn_nni")
        and inside == folder.joinpath(*name.split("."))
    )


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    """Turn whatever ends the plugin into one line; a real Ctrl-C is passed on."""
    with _ctrl_c() as pressed:
        try:
            yield
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            stopped = isinstance(error, KeyboardInterrupt) and type(error) is not KeyboardInterrupt
            if pressed or stopped:  # the latter by another signal, see autosnn_nni.cli.signals
                raise
            what = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise UserError(f"plugin {path} fails: {what}; fix it") from error


@contextmanager
def _ctrl_c() -> Iterator[list[int]]:
    """Collects the signals of Ctrl-C, which are handled as before."""
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield pressed
        return

    def note(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
