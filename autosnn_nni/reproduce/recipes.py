"""Recipes: YAML files with the rows of a table or figure, and the paper's numbers.

A recipe has a ``title``, the kind of ``figure``, the ``seeds``, the ``settings`` of all rows (those
of ``autosnn search``, by name) and the ``rows``. A row has a ``name``, the network to train, its
own settings, and the ``paper``'s numbers as printed: accuracy in percent, spikes in thousands,
parameters in millions. Its network is one of

- ``blocks``: one block for all TBD blocks, or a list of blocks,
- ``network``: the name of a network,
- ``search``: the winner of a search; settings in it are used only for the search,
- ``sample``: a number of random architectures of the space.

``for: {setting: {value: paper, ...}}`` makes one row per value. Rows of the same ``series`` are
connected in the figure, and a row's ``mark`` is printed next to its point. With ``supernet: true``
every architecture is also scored with the row's supernet. Settings and ``seeds`` of a row or of the
recipe that differ at a scale are listed under the scale's name. ``of`` copies another recipe except
for its title and its figure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from autosnn_nni.errors import UserError
from autosnn_nni.registry import hint
from autosnn_nni.reproduce.recipe_files import FOLDER, recipe_names
from autosnn_nni.reproduce.scales import SCALES

_RECIPE = ("title", "figure", "of", "seeds", "settings", "rows", *SCALES)
_NETWORKS = ("blocks", "network", "search", "sample")
_ROW = ("name", "series", "mark", "paper", "supernet", "for", *_NETWORKS, *SCALES)
_PAPER = ("accuracy", "spikes", "parameters", "firing_rate")
_SIGNS = {
    "channels": "C = ",
    "timesteps": "T = ",
    "spike_regularisation": "lambda_reg = ",
    "dataset": "",
}


@dataclass(frozen=True)
class Row:
    """One row at one scale.

    ``kind`` is the key of its networks, such as ``blocks``, and ``network`` that key's value.
    ``settings`` are those of its trainings, ``search`` those of its search and supernet.
    ``series``, ``mark`` and ``paper`` are as in the file.
    """

    name: str
    series: str
    mark: str
    kind: str
    network: Any
    settings: Mapping[str, Any]
    search: Mapping[str, Any]
    supernet: bool
    seeds: tuple[int, ...]
    paper: Mapping[str, float]


@dataclass(frozen=True)
class Recipe:
    """A table or a figure at one scale."""

    name: str
    title: str
    figure: str
    rows: tuple[Row, ...]


def load_recipe(name: str, scale: str) -> Recipe:
    """Load a recipe of the package, or a YAML file, at a scale.

    Raises :class:`UserError` if it does not exist or is invalid.
    """
    SCALES[scale]
    text = _read(name)
    try:
        content = yaml.safe_load(text)
        if "of" in content:
            content = {**yaml.safe_load(_read(content["of"])), **content}
        return _recipe(Path(name).stem, content, scale)
    except KeyError as error:
        raise UserError(f"recipe {name}: {error} is missing") from None
    except (AttributeError, TypeError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"recipe {name}: {error}") from None


def _read(name: str) -> str:
    if not name.endswith(".yml"):
        if name not in recipe_names():
            raise UserError(f"unknown recipe {name!r}; {hint(name, recipe_names())}")
        return (FOLDER / f"{name}.yml").read_text()
    try:
        return Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{name} is not a recipe: it is not a text in UTF-8") from None
    except OSError as error:
        raise UserError(f"{name} cannot be read ({error.strerror}); check the path") from None


def _recipe(name: str, content: Mapping[str, Any], scale: str) -> Recipe:
    _check_keys(content, _RECIPE)
    rows = [one for row in content["rows"] for one in _variants(row)]
    at_scale = tuple(_row(row, content, scale) for row in rows)
    return Recipe(name, content["title"], content["figure"], at_scale)


def _variants(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "for" not in row:
        yield row
        return
    ((setting, values),) = row["for"].items()
    for value, paper in values.items():
        name = f"{row['name']}, {_SIGNS.get(setting, f'{setting} = ')}{value}"
        own = {"name": name, "series": row["name"], "mark": str(value), "paper": paper}
        yield {**row, setting: value, **own}


def _row(row: Mapping[str, Any], recipe: Mapping[str, Any], scale: str) -> Row:
    kinds = [key for key in _NETWORKS if key in row]
    if len(kinds) != 1:
        raise UserError(f"row {row['name']!r} needs one of {', '.join(_NETWORKS)}")
    _check_keys(row.get("paper", {}), _PAPER)
    own = {key: value for key, value in row.items() if key not in _ROW}
    base = {**recipe["settings"], **own}
    of = SCALES[scale]
    special = {**recipe.get(scale, {}), **row.get(scale, {})}
    seeds = special.pop("seeds", of.seeds or recipe["seeds"])
    settings = {**of.apply(base), **special}
    (kind,) = kinds
    searched = row[kind] if kind == "search" else {}
    if "seeds" in settings or "seeds" in searched:
        raise UserError(
            f"row {row['name']!r}: `seeds` is a list beside `settings`, not one of them"
        )
    return Row(
        name=row["name"],
        series=row.get("series", row["name"]),
        mark=row.get("mark", ""),
        kind=kind,
        network=of.limit(row[kind]) if kind == "sample" else row[kind],
        settings=settings,
        search={**of.apply({**base, **searched}), **special},
        supernet=row.get("supernet", False),
        seeds=tuple(seeds) if of.takes(settings) else (),
        paper=row.get("paper", {}),
    )


def _check_keys(values: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if not isinstance(values, Mapping):
        raise UserError(f"expected keys such as {known[0]}, not {values!r}")
    for key in values:
        if key not in known:
            raise UserError(f"unknown key {key!r}; {hint(str(key), known)}")
