"""Registries of blocks, neurons, macro architectures, data sets and strategies by name."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from autosnn_nni.errors import UserError

Item = TypeVar("Item")

_PACKAGE = __name__.partition(".")[0]


def hint(name: str, known: Iterable[str]) -> str:
    """The closest of the ``known`` names to an unknown ``name``, or all of them, for messages."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


@dataclass(frozen=True, eq=False)
class _Place:
    """Where an item comes from: its own name, and the variables of the module that adds it."""

    item: tuple[Any, Any]
    module: dict[str, Any]

    @property
    def is_builtin(self) -> bool:
        """Whether the import of this package has added the item."""
        return str(self.module.get("__name__")).startswith("importlib.")

    def again(self, earlier: "_Place") -> bool:
        """Whether the same code is run again: a notebook's cell, or a module loaded again."""
        if earlier.is_builtin or self.module.get("__name__") != earlier.module.get("__name__"):
            return False
        if self.module is not earlier.module:
            return True
        unnamed = self.item == (None, None)
        return "__file__" not in self.module if unnamed else self.item == earlier.item


class Registry(Mapping[str, Item]):
    """A mapping from names to items, with helpful errors for unknown names.

    ``kind`` is the word for one item in messages, e.g. ``"block"``; ``signs`` may be in names
    besides letters and digits; ``reserved`` tells which names can't be used all the same.
    """

    def __init__(
        self, kind: str, reserved: Callable[[str], bool] = lambda name: False, signs: str = "_-"
    ) -> None:
        self.kind = kind
        self._reserved, self._signs = reserved, signs
        self._items: dict[str, Item] = {}
        self._places: dict[str, _Place] = {}

    def add(self, name: str, item: Item) -> Item:
        """Register ``item`` under ``name``, or replace it if the same code is run again.

        Raises :class:`UserError` if the name is taken, reserved, or not made of a letter, and then
        letters, digits and the registry's signs.
        """
        self._check(name)
        place = _place_of(item)
        if name in self._items and not place.again(self._places[name]):
            raise UserError(f"{self.kind} {name!r} is registered twice; choose another name")
        self._items[name] = item
        self._places[name] = place
        return item

    def is_builtin(self, name: str) -> bool:
        """Whether the package itself has added the item of this name, and not a plugin."""
        place = self._places.get(name)
        return place is not None and place.is_builtin

    def register(self, name: str) -> Callable[[Item], Item]:
        """Decorator form of :meth:`add`."""
        return lambda item: self.add(name, item)

    def _check(self, name: object) -> None:
        form = rf"[A-Za-z][A-Za-z0-9{re.escape(self._signs)}]*"
        if not isinstance(name, str) or not re.fullmatch(form, name):
            raise UserError(
                f"{self.kind} can't be called {name!r}; begin with a letter, and go on with "
                f"letters, digits, {' '.join(self._signs)}"
            )
        if self._reserved(name):
            raise UserError(
                f"{self.kind} can't be called {name!r}, which has a meaning of its own; choose "
                "another name"
            )

    def __getitem__(self, name: str) -> Item:
        """The item called ``name``; raises :class:`UserError` that lists the known names."""
        try:
            return self._items[name]
        except KeyError:
            raise UserError(f"unknown {self.kind} {name!r}; {hint(name, self)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


def _place_of(item: object) -> _Place:
    """Only classes and functions have a name of their own; those of other values are None."""
    own = getattr(item, "__qualname__", None)
    return _Place((own and getattr(item, "__module__", None), own), _caller())


def _caller() -> dict[str, Any]:
    """The variables of the nearest module outside this package."""
    frame = sys._getframe(1)
    while str(frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE and frame.f_back:
        frame = frame.f_back
    return frame.f_globals
