"""Links of documents; the site's own are checked by ``make docs``."""

import re
from pathlib import Path

import pytest

from tests.autosnn_nni.documents.pages import DOCUMENTS, ROOT


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    missing = [
        link
        for link in links
        if not link.startswith(("http://", "https://")) and not (document.parent / link).exists()
    ]
    made = {"changelog.md", "contributing.md"}  # pages of the site, made from files above docs/
    assert set(missing) <= made
