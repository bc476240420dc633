"""The notebooks of ``examples/`` as pages, and a gallery of them."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

_ROOT = Path(__file__).parents[2]
_FOLDER = "notebooks"

#: The notebooks in the order of the gallery, and their pages.
NOTEBOOKS = {
    f"examples/{name}.ipynb": f"{_FOLDER}/{name}.md"
    for name in ("quickstart", "picking", "own_data", "export")
}


def notebook_page(name: str) -> str:
    """A notebook as Markdown, with links as from its own folder, and a link to download it."""
    title, *cells = _cells(name)
    file = Path(name).name
    download = f"[Download {file}](../docs/{_FOLDER}/{file})"
    parts = [title.source, download, *(_shown(cell) for cell in cells)]
    return "\n\n".join(parts)


def notebook_files() -> dict[str, bytes]:
    """The notebooks and their pictures, by their paths on the site."""
    files = {f"{_FOLDER}/{Path(name).name}": (_ROOT / name).read_bytes() for name in NOTEBOOKS}
    for name in NOTEBOOKS:
        for cell in _cells(name):
            for picture in _pictures(cell):
                files[_picture_path(cell)] = base64.b64decode(picture)
    return files


def gallery() -> str:
    """A card for each notebook: its last picture, its title, its first sentence."""
    return '<div class="grid cards" markdown>\n\n' + "\n".join(map(_card, NOTEBOOKS)) + "\n</div>"


def _card(name: str) -> str:
    cells = _cells(name)
    title, about, *_ = cells[0].source.split("\n\n")
    sentence = about.partition(". ")[0].rstrip(".")
    picture = [cell for cell in cells if any(_pictures(cell))][-1]
    place = Path(_picture_path(picture)).name
    link = f"[{title.removeprefix('# ')}]({Path(NOTEBOOKS[name]).name})"
    return f"-   ![{picture.metadata.alt}]({place})\n\n    **{link}**\n\n    {sentence}.\n"


def _cells(name: str) -> list[Any]:
    cells: list[Any] = nbformat.read(_ROOT / name, as_version=4).cells
    return cells


def _pictures(cell: Any) -> Iterator[str]:
    """The pictures that a cell has put out, base64; a cell has one at most."""
    for output in cell.get("outputs", ()):
        if "image/png" in output.get("data", {}):
            yield output.data["image/png"]


def _picture_path(cell: Any) -> str:
    return f"{_FOLDER}/{cell.id}.png"


def _shown(cell: Any) -> str:
    if cell.cell_type == "markdown":
        return str(cell.source)
    parts = [f"```python\n{cell.source}\n```"]
    for output in cell.outputs:
        if any(_pictures(cell)):
            parts.append(f"![{cell.metadata.alt}](../docs/{_picture_path(cell)})")
        else:
            text = output.get("text") or output.data["text/plain"]
            parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts)
