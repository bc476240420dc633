"""The pages of the notebooks."""

import re

import pytest

from docs.site.notebooks import NOTEBOOKS, gallery, notebook_files, notebook_page
from tests.notebooks import NOTEBOOKS as FILES


def test_every_notebook_has_a_page_and_a_card() -> None:
    assert sorted(NOTEBOOKS) == [f"examples/{path.name}" for path in FILES]
    assert len(re.findall(r"^-   !\[.+\]\(.+\.png\)$", gallery(), re.MULTILINE)) == len(FILES)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_page_has_cells_outputs_and_pictures_with_words(name: str) -> None:
    page, files = notebook_page(name), notebook_files()
    pictures = re.findall(r"!\[(.*)\]\(\.\./docs/(.*\.png)\)", page)
    assert pictures
    for words, path in pictures:
        assert words.endswith(".")
        assert files[path].startswith(b"\x89PNG")
    assert page.startswith("# ")
    assert page.count("```python\n") >= 4
    assert "┃ architecture" in page
