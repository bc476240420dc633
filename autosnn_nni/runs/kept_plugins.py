"""A run's copies of its plugins: used when the files are gone, and compared when they are not."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autosnn_nni import plugins
from autosnn_nni.files import write_whole
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.runs.settings import Settings

#: Changes that the user has been told.
_said: set[tuple[Path, Path]] = set()


def find_plugins(files: RunFiles, values: Any, given: Sequence[str] = ()) -> None:
    """Find a file for every plugin in a run's settings ``values`` that is not there any more.

    It is one of those ``given``, or loaded already, of the same name; or else the run's copy. Says
    on standard error if a plugin is not what the run has used before.
    """
    for number, name in enumerate(_recorded(values), start=1):
        recorded = Path(name)
        folder = files.kept_plugin(number).resolve()
        copy = folder / recorded.name
        place = recorded
        if not recorded.exists():
            named = [Path(one) for one in given if Path(one).name == recorded.name]
            place = next(iter(named), None) or plugins.loaded_called(recorded.name) or copy
            if place.is_file():
                plugins.stand_in(recorded, place)
        if place.resolve() != copy and _has_changed(place, folder):
            _say_once(place, files)


def as_recorded(files: RunFiles, given: Mapping[str, Any]) -> dict[str, Any]:
    """The ``given`` settings, with the run's own names of plugins that are elsewhere now."""
    if "plugins" not in given:
        return dict(given)
    values = files.read_settings()
    find_plugins(files, values, given["plugins"])
    names = {str(plugins.place_of(Path(name))): name for name in _recorded(values)}
    return {**given, "plugins": tuple(names.get(one, one) for one in given["plugins"])}


def keep_plugins(run: RunFiles, settings: Settings) -> None:
    """Copy the run's plugins, with the modules beside them that they import, to its folder."""
    for number, name in enumerate(settings.plugins, start=1):
        place = plugins.place_of(Path(name))
        folder = run.kept_plugin(number).resolve()
        if place.parent == folder:
            continue
        for file in plugins.own_files(place):
            copy = folder / file.relative_to(place.parent)
            if not copy.is_file() or copy.read_bytes() != file.read_bytes():
                write_whole(copy, file.read_bytes())


def _recorded(values: Any) -> list[str]:
    """The plugins in settings that may be broken."""
    names = values.get("plugins") if isinstance(values, Mapping) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _has_changed(place: Path, folder: Path) -> bool:
    """Whether the plugin, or a module beside it, differs from its copy in ``folder``."""
    pairs = ((place.parent / copy.relative_to(folder), copy) for copy in folder.rglob("*.py"))
    return any(not file.is_file() or file.read_bytes() != copy.read_bytes() for file, copy in pairs)


def _say_once(place: Path, files: RunFiles) -> None:
    change = (place, files.path)
    if change not in _said:
        _said.add(change)
        sys.stderr.write(
            f"autosnn: plugin {place} has changed since {files.path} used it; results of the run "
            "are of both\n"
        )
