"""The site as it is built: no rule of accessibility is broken, in the light and in the dark."""

import functools
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.accessibility import show, violations

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

_SCHEME = "return document.body.getAttribute('data-md-color-scheme')"
ROOT = Path(__file__).parents[3]
PAGES = (
    "",
    "tutorials/digits/",
    "reference/command-line/",
    "reference/settings/",
    "how-to/status/",
    "notebooks/quickstart/",
)


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the site, served on this machine; `make docs` builds it if it is not new."""
    subprocess.run(["make", "docs"], cwd=ROOT, check=True)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(ROOT / "build/site"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(page: str, site: str, browser: "WebDriver") -> None:
    for dark, scheme in ((False, "default"), (True, "slate")):
        with show(browser, site + page, dark=dark):
            browser.execute_script("localStorage.clear()")  # what the site has remembered
            browser.refresh()
            assert browser.execute_script(_SCHEME) == scheme
            assert violations(browser) == []


def test_nothing_is_wider_than_a_phone(site: str, browser: "WebDriver") -> None:
    with show(browser, site, width=390):
        width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390
