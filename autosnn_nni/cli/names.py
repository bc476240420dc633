"""The names that options accept, as ``autosnn list`` prints them and as shells complete them.

Those of the package are read from a file: its registries would need torch, which takes seconds.
``python -m autosnn_nni.cli.names`` writes the file.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.plugins import load_plugins
from autosnn_nni.registry import hint

_FILE = Path(__file__).with_name("names.json")


def kinds() -> list[str]:
    """The kinds of names, as ``autosnn list`` takes them."""
    return [*_registered(), *_FROM_FILES]


def names(kind: str, plugins: Iterable[Path] = ()) -> Sequence[str]:
    """The names of a kind, including those of ``plugins``; raises :class:`UserError`."""
    paths = list(plugins)
    if kind not in kinds():
        raise UserError(f"unknown list {kind!r}; {hint(kind, kinds())}")
    load_plugins(paths)
    if kind in _FROM_FILES:
        return _FROM_FILES[kind]()
    if not paths:
        return _registered()[kind]
    from autosnn_nni.cli.registered import registered

    return registered()[kind]


def completion(kind: str) -> Callable[[str], list[str]]:
    """Complete an option's value with the names of a kind."""
    return lambda incomplete: [one for one in names(kind) if one.startswith(incomplete)]


@functools.cache
def _registered() -> Mapping[str, Sequence[str]]:
    """The names that the package registers, by kind."""
    names: dict[str, list[str]] = json.loads(_FILE.read_text())
    return names


def _pretrained() -> list[str]:
    from autosnn_nni.pretrained import read_index

    return [f"{entry.network} {entry.dataset}" for entry in read_index()]


def _recipes() -> list[str]:
    from autosnn_nni.reproduce.recipe_files import recipe_names

    return recipe_names()


_FROM_FILES = {"pretrained": _pretrained, "recipes": _recipes}


def _write() -> None:
    from autosnn_nni.cli.registered import registered

    write_whole(_FILE, json.dumps(registered(), indent=2) + "\n")


if __name__ == "__main__":
    _write()
