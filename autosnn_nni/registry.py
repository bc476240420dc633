"""Registries of blocks, neurons, macro architectures, data sets and strategies by name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

from autosnn_nni.errors import UserError

Item = TypeVar("Item")


def hint(name: str, known: Iterable[str]) -> str:
    """The closest of the ``known`` names to an unknown ``name``, or all of them, for messages."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


class Registry(Mapping[str, Item]):
    """A mapping from names to items, with helpful errors for unknown names.

    ``kind`` is the word for one item in messages, e.g. ``"block"``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, Item] = {}

    def add(self, name: str, item: Item) -> Item:
        """Register ``item`` under ``name``; raises :class:`UserError` if the name is taken."""
        if name in self._items:
            raise UserError(f"{self.kind} {name!r} is registered twice; choose another name")
        self._items[name] = item
        return item

    def register(self, name: str) -> Callable[[Item], Item]:
        """Decorator form of :meth:`add`."""
        return lambda item: self.add(name, item)

    def __getitem__(self, name: str) -> Item:
        """The item called ``name``; raises :class:`UserError` that lists the known names."""
        try:
            return self._items[name]
        except KeyError:
            raise UserError(f"unknown {self.kind} {name!r}; {hint(name, self._items)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
