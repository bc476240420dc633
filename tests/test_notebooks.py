"""The notebooks of ``examples/`` run, and their outputs are those of the repository."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import NOTEBOOKS, read, run

#: Numbers, and the blocks that a search chose: they depend on how a processor rounds.
_VARY = re.compile(r"\b(?:skip|S[CR]B_k\d)\b|-?\b(?:inf|NaN)\b|\d[\d.,e+-]*")


def kinds(cell: Any) -> list[tuple[str, ...]]:
    """What a cell has put out: streams by name, and the types of other outputs."""
    outputs = cell.get("outputs", ())
    return [(one.get("name") or one.output_type, *sorted(one.get("data", ()))) for one in outputs]


def words(cell: Any) -> list[str]:
    """The words that a cell has put out."""
    outputs = cell.get("outputs", ())
    texts = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs]
    return re.findall(r"[^\W\d_]+", _VARY.sub(" ", "\n".join(texts)))


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_outputs_are_those_in_the_repository(path: Path) -> None:
    for before, after in zip(read(path).cells, run(path).cells, strict=True):
        assert kinds(after) == kinds(before), after.source
        assert words(after) == words(before), after.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_says_what_its_pictures_show(path: Path) -> None:
    cells = read(path).cells
    outputs = [(cell, output) for cell in cells for output in cell.get("outputs", ())]
    assert [cell.source for cell, output in outputs if output.get("name") == "stderr"] == []
    pictures = [cell for cell, output in outputs if "image/png" in output.get("data", ())]
    assert pictures
    assert all(cell.metadata.get("alt") for cell in pictures)
    assert path.stat().st_size < 400_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_of_a_notebook_lead_to_files(path: Path) -> None:
    texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    links = [link for text in texts for link in re.findall(r"\]\(([^)#\s]+)", text)]
    assert [link for link in links if not (path.parent / link).exists()] == []
