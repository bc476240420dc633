"""Links from pages to files of the repository outside ``docs/``, which get pages of their own."""

import posixpath
import re
from pathlib import Path

from docs.site.notebooks import NOTEBOOKS, notebook_page

ROOT = Path(__file__).parents[2]

#: Documents outside ``docs/``, and their pages.
OUTSIDE = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", **NOTEBOOKS}

_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)(?=[)#])")
_LANGUAGES = {".py": "python", ".c": "c", ".yml": "yaml", ".json": "json", ".csv": "text"}


def page_of(name: str) -> str:
    """The page on the site of a file outside ``docs/``, both by their paths from above."""
    return OUTSIDE.get(name, f"source/{name}.md")


def links_out(document: str, text: str) -> set[str]:
    """The files outside ``docs/`` that a document links to, by their paths in the repository."""
    return {name for link in _LINK.findall(text) if (name := _outside(document, link))}


def to_site(page: str, text: str) -> str:
    """The text of a page, its links to files outside ``docs/`` replaced by those to their pages."""
    document = {site: name for name, site in OUTSIDE.items()}.get(page, f"docs/{page}")

    def replaced(link: re.Match[str]) -> str:
        target = _target(document, link[1])
        site = page_of(target) if _outside(document, link[1]) else target.removeprefix("docs/")
        moved = site != target.removeprefix("docs/") or document in OUTSIDE
        return posixpath.relpath(site, posixpath.dirname(page)) if moved else link[1]

    return _LINK.sub(replaced, text)


def source_page(name: str) -> str:
    """The page of a file outside ``docs/``: a document as it is, a source as a block of code."""
    if name in NOTEBOOKS:
        return notebook_page(name)
    text = (ROOT / name).read_text()
    if name in OUTSIDE:
        return text
    language = _LANGUAGES.get(Path(name).suffix, "text")
    front = f"---\ntitle: {Path(name).name}\nsearch: {{exclude: true}}\n---\n"
    return f"{front}# {name}\n\n`````{language}\n{text}\n`````\n"


def _target(document: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(document), link))


def _outside(document: str, link: str) -> str | None:
    """The linked file, if it is one of the repository outside ``docs/``."""
    name = _target(document, link)
    return name if not name.startswith("docs/") and (ROOT / name).is_file() else None
