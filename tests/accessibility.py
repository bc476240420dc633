"""What axe finds wrong with a page in a browser: contrast, labels, headings, names of pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import axe_core_python

from tests.browser import leave

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

_AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
_RUN = """
axe.run(document).then(found => arguments[0](found.violations.flatMap(rule =>
    rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 200)} (${node.failureSummary})`))))
"""


def violations(driver: "WebDriver") -> list[str]:
    """A line for every element of the page that breaks one of axe's rules."""
    driver.execute_script(_AXE.read_text(encoding="utf-8"))
    found: list[str] = driver.execute_async_script(_RUN)
    return found


@contextmanager
def show(
    driver: "WebDriver", url: str, *, width: int = 1400, dark: bool = False, media: str = "screen"
) -> Iterator[None]:
    """Open a page in a window so many pixels wide, in the light or in the dark, or for print.

    The browser's log has only what this page logs.
    """
    leave(driver)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    _emulate(driver, "setEmulatedMedia", {"media": media, "features": [scheme]})
    screen = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600}
    _emulate(driver, "setDeviceMetricsOverride", screen)
    driver.get(url)
    try:
        yield
    finally:
        _emulate(driver, "clearDeviceMetricsOverride", {})
        _emulate(driver, "setEmulatedMedia", {"media": "", "features": []})


def _emulate(driver: "WebDriver", command: str, options: dict[str, object]) -> None:
    driver.execute_cdp_cmd(f"Emulation.{command}", options)  # type: ignore[attr-defined]
