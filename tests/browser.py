"""A headless Chromium, and what a person sees in it of NNI's web UI.

`python -m tests.browser URL FILE` takes the picture in docs/nni.md.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1400,1600",
)

#: The text of every cell by the column's key, row by row; tooltips repeat it beside the name.
_ROWS = """
return [...document.querySelectorAll("[data-automationid=DetailsRow]")].map(row =>
    Object.fromEntries([...row.querySelectorAll("[data-automation-key]")].map(cell =>
        [cell.dataset.automationKey, (cell.querySelector(".name") || cell).textContent])))
"""
#: The characters of the icons that are shown, by name, and the state of each font that they use.
_ICONS = """
const shown = [...document.querySelectorAll("i[data-icon-name]")]
    .filter(icon => icon.textContent && icon.checkVisibility());
return Object.fromEntries(shown.map(icon => {
    const family = getComputedStyle(icon).fontFamily.replaceAll('"', "");
    const states = [...document.fonts].filter(font => font.family.replaceAll('"', "") === family)
        .map(font => font.status);
    return [icon.dataset.iconName, [icon.textContent, ...states]];
}))
"""
_ROW_COUNT = 'return document.querySelector("[role=grid]").ariaRowCount - 1'


@contextmanager
def chromium(folder: Path) -> Iterator[WebDriver]:
    """Chromium with a new profile in ``folder``; it reaches nothing but 127.0.0.1."""
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.fail("Chromium is missing: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    driver = Chrome(options, Service(str(DRIVER), env={"HOME": str(folder)}))
    try:
        yield driver
    finally:
        driver.quit()


def leave(driver: WebDriver) -> None:
    """Leave the open page and what it has logged: it may still ask a manager that is gone."""
    driver.get("about:blank")
    driver.get_log("browser")  # type: ignore[attr-defined]


@dataclass(frozen=True)
class WebUI:
    """NNI's web UI at ``url``."""

    browser: WebDriver
    url: str

    @property
    def text(self) -> str:
        """All text of the page."""
        return str(self.browser.execute_script("return document.body.textContent"))

    def open(self) -> None:
        """What is seen at its address, as soon as trials are."""
        self.browser.get(self.url)
        self._wait().until(lambda _: self._page())

    def open_experiments(self) -> None:
        self.browser.get(f"{self.url}/experiment")
        self._wait().until(lambda _: self.icons())

    def open_overview(self) -> None:
        self.browser.get(f"{self.url}/oview")
        self._wait().until(lambda _: self.icons())

    def icons(self) -> dict[str, list[str]]:
        """The icons by name: the character, and the state of its font."""
        icons: dict[str, list[str]] = self.browser.execute_script(_ICONS)
        return icons

    def open_trials(self) -> None:
        """The page of all trials; NNI sometimes leaves it blank, and a reload cures it."""
        for _ in range(5):
            self.browser.get(f"{self.url}/detail")
            with suppress(TimeoutException):
                self._wait().until(lambda _: self._page())
                return
        pytest.fail("NNI's page of all trials stays blank")

    def show_columns(self, *titles: str) -> None:
        """Add columns to the table, as they are called in its dialog."""
        self._click("//button[.='Add/Remove columns']")
        for title in titles:
            self._click(f"//*[contains(@class, 'ms-Dialog')]//span[.='{title}']")
        self._click("//button[.='Save']")

    def rows(self) -> list[dict[str, str]]:
        """The table's rows on all of its pages, by the columns' keys, such as ``space/tbd1``."""
        rows = self._wait().until(lambda _: self._page())
        while self.browser.find_elements(By.CSS_SELECTOR, "li.next:not(.disabled)"):
            last = rows[-1]
            self._click("//li[contains(@class, 'next')]/a")
            rows += self._wait().until(lambda _, last=last: self._page(after=last))
        return rows

    def open_plot(self) -> None:
        """The hyper-parameter plot, above the trials."""
        self._click("//button[contains(., 'Hyper-parameter')]")
        self._wait().until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "svg .label"))

    def axes(self) -> dict[str, list[str]]:
        """The hyper-parameter plot's axes: their titles and the texts at their ticks."""
        self.open_plot()
        texts = self.browser.find_elements(By.CSS_SELECTOR, "svg text")
        axes: dict[str, list[str]] = {}
        ticks: list[str] = []
        for text in texts:
            if text.get_attribute("class") == "label":
                axes[text.text], ticks = ticks, []
            else:
                ticks.append(text.text)
        return axes

    def _page(self, after: dict[str, str] | None = None) -> list[dict[str, str]]:
        """The rows of the page that is shown: none while they are drawn, or are still ``after``."""
        rows: list[dict[str, str]] = self.browser.execute_script(_ROWS)
        whole = rows and len(rows) == self.browser.execute_script(_ROW_COUNT)
        return rows if whole and rows[-1] != after else []

    def _click(self, xpath: str) -> None:
        self._wait().until(lambda driver: driver.find_elements(By.XPATH, xpath))
        self.browser.find_element(By.XPATH, xpath).click()

    def _wait(self) -> "WebDriverWait[WebDriver]":
        return WebDriverWait(self.browser, 60, poll_frequency=0.05)


def take_picture(url: str, file: Path) -> None:
    """Save what is seen at ``url``, with the hyper-parameter plot."""
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        browser.set_window_size(1400, 1250)
        page = WebUI(browser, url)
        page.open()
        page.open_plot()
        picture = Image.open(BytesIO(browser.get_screenshot_as_png()))
        picture.convert("P", palette=Image.Palette.ADAPTIVE).save(file, optimize=True)


if __name__ == "__main__":
    take_picture(sys.argv[1], Path(sys.argv[2]))
