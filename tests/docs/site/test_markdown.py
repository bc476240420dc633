"""Paragraphs for readers of the repository alone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docs.site.hooks import on_page_markdown
from docs.site.markdown import without_asides

DOCS = Path(__file__).parents[3] / "docs"
PAGES = [page for page in sorted(DOCS.glob("**/*.md")) if "<!-- made by" in page.read_text()]


def test_a_paragraph_for_the_repository_is_left_out() -> None:
    aside = "<!-- not on the site -->\nIn a terminal:\n`autosnn list`.\n"
    assert without_asides(f"One.\n\n{aside}\nTwo.\n") == "One.\n\nTwo.\n"
    assert without_asides(f"One.\n\n{aside}") == "One.\n\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_that_is_made_says_so_in_the_repository(page: Path) -> None:
    assert "-->\n\n<!-- not on the site -->\n" in page.read_text()


def test_the_site_has_what_is_made_in_its_place() -> None:
    assert {"command-line", "settings", "names"} <= {page.stem for page in PAGES}
    page: Any = SimpleNamespace(file=SimpleNamespace(src_uri="reference/names.md"))
    nothing: Any = None
    text = (DOCS / page.file.src_uri).read_text()
    made = on_page_markdown(text, page=page, config=nothing, files=nothing)
    assert "## spaces" in made
    assert "In a terminal" not in made
