"""Links that leave ``docs/``."""

import pytest

from docs.site.links import links_out, page_of, source_page, to_site


@pytest.mark.parametrize(
    ("page", "link", "on_the_site"),
    [
        ("search.md", "training.md#augmentation", "training.md#augmentation"),
        ("search.md", "../autosnn_nni/chips.py", "source/autosnn_nni/chips.py.md"),
        ("how-to/block.md", "../../CONTRIBUTING.md#style", "../contributing.md#style"),
        ("contributing.md", "docs/how-to/block.md", "how-to/block.md"),
        ("contributing.md", "examples/my_blocks.py", "source/examples/my_blocks.py.md"),
        ("search.md", "https://pymoo.org", "https://pymoo.org"),
        ("search.md", "#objectives", "#objectives"),
        ("search.md", "../no_such_file.py", "../no_such_file.py"),
    ],
)
def test_a_link_leads_to_a_page(page: str, link: str, on_the_site: str) -> None:
    assert to_site(page, f"see [it]({link}).") == f"see [it]({on_the_site})."


def test_the_files_above_that_a_document_links_to() -> None:
    text = "[a](../LICENSE) [b](search.md) ![c](rates.png) [d](https://pymoo.org) [e](../nothing)"
    assert links_out("docs/kernels.md", text) == {"LICENSE"}


def test_a_source_has_a_page_of_code_that_search_leaves_out() -> None:
    page = source_page("examples/my_blocks.py")
    assert page_of("examples/my_blocks.py") == "source/examples/my_blocks.py.md"
    assert "`````python" in page
    assert "exclude: true" in page
    assert source_page("CONTRIBUTING.md").startswith("# Contributing")
