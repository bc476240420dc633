"""Recipes named by how they differ from the defaults: ``rate=1e-2,batch=64``."""

from dataclasses import fields
from typing import Any, TypeVar

Kind = TypeVar("Kind")


def named(kind: type[Kind], name: str, same: str) -> Kind:
    """The dataclass ``kind`` with the values in ``name``; ``same`` names its defaults."""
    types = {one.name: type(one.default) for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{key: types[key](value) for key, value in pairs(name, same)})


def pairs(name: str, same: str) -> list[tuple[str, str]]:
    """The keys and values in ``name``; none in ``same``."""
    found: Any = [] if name == same else [part.split("=") for part in name.split(",")]
    return [(key, value) for key, value in found]
