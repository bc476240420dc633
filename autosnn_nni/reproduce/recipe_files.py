"""The recipes that come with the package. This module does not need torch."""

from importlib.resources import files
from pathlib import Path

FOLDER = files("autosnn_nni.recipes")


def recipe_names() -> list[str]:
    """The recipes in the package: figures, then tables, by number."""
    found = [Path(file.name) for file in FOLDER.iterdir()]
    return sorted((file.stem for file in found if file.suffix == ".yml"), key=_by_number)


def _by_number(name: str) -> tuple[str, int]:
    letters = name.rstrip("0123456789")
    return letters, int(name.removeprefix(letters) or 0)
