"""Markdown: tables, and what is for readers of the repository alone."""

import re
from collections.abc import Iterable, Sequence

#: A paragraph below this comment is not on the site.
_ASIDE = re.compile(r"^<!-- not on the site -->\n(?:.+\n)+\n?", re.MULTILINE)


def cell(text: str) -> str:
    """Text for a cell: on one line, and safe from Markdown."""
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line for each row."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def without_asides(text: str) -> str:
    """A page without its paragraphs for readers of the repository."""
    return _ASIDE.sub("", text)
