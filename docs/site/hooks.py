"""What MkDocs calls while it builds the site: generated parts, and links that leave ``docs/``."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.site.command_line import command_line
from docs.site.links import OUTSIDE, ROOT, links_out, page_of, source_page, to_site
from docs.site.markdown import without_asides
from docs.site.names import names
from docs.site.notebooks import gallery, notebook_files
from docs.site.settings import settings

#: Parts of pages that are made from the program itself, by the name in their comment.
_PARTS = {
    "command line": command_line,
    "settings": settings,
    "names": names,
    "notebooks": gallery,
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add pages for the files outside ``docs/`` that pages link to, and the notebooks."""
    documents = [*map(ROOT.joinpath, OUTSIDE), *ROOT.glob("docs/**/*.md")]
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in documents}
    linked = {link for name, text in texts.items() for link in links_out(name, text)}
    for name in sorted(linked | OUTSIDE.keys()):
        files.append(File.generated(config, page_of(name), content=source_page(name)))
    for name, content in notebook_files().items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the generated parts, and lead links to files outside ``docs/`` to their pages.

    What is for readers of the repository alone is left out.
    """
    markdown = without_asides(markdown)
    for name, part in _PARTS.items():
        comment = f"<!-- made by the program: {name} -->"
        if comment in markdown:
            markdown = markdown.replace(comment, part())
    return to_site(page.file.src_uri, markdown)
