"""What a person sees of the report in Chromium."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.accessibility import show, violations

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

_DRAWN = """
const search = document.querySelector("#search .js-plotly-plot");
return search.querySelectorAll(".scatterlayer .trace:nth-child(" + arguments[0] + ") .point").length
"""
_LISTED = """
const rows = [...document.querySelectorAll("#front tbody tr")];
return rows.filter(row => row.offsetParent).length
"""
_STATUS = 'return document.querySelector("#filter [role=status]").textContent'
_TEXT_COLOUR = 'return getComputedStyle(document.querySelector("#search text")).fill'
_LABELS = "return [...document.querySelectorAll('figure')].map(one => one.ariaLabel)"
_RIGHT_EDGES = """
const cells = [...document.querySelectorAll("td:not(.matrix td):not(details td)")];
return cells.map(cell => cell.getBoundingClientRect().right);
"""
_SET = """
const slider = document.querySelectorAll("#filter input[type=range]")[arguments[0]];
slider.value = arguments[1];
slider.dispatchEvent(new Event("input", {bubbles: true}));
return slider.parentElement.textContent.trim();
"""


@pytest.fixture(scope="module")
def url(reported: Path) -> str:
    return (reported / "report.html").as_uri()


def test_sliders_and_the_toggle_change_what_is_shown(browser: "WebDriver", url: str) -> None:
    def drawn(trace: int) -> int:
        return int(browser.execute_script(_DRAWN, trace))

    def status() -> list[int]:
        text = browser.execute_script(_STATUS)
        return list(map(int, re.findall(r"\d+", text)))

    with show(browser, url):
        front = browser.execute_script(_LISTED)
        assert (drawn(1), drawn(2)) == (200, front)
        assert status() == [200, 200, front, front]
        assert browser.execute_script(_SET, 0, 1).startswith("Accuracy at least")
        assert drawn(2) == browser.execute_script(_LISTED) == front - 1  # each step is one of it
        assert drawn(1) < 200
        browser.execute_script(_SET, 1, front - 2)
        assert drawn(2) == browser.execute_script(_LISTED) == front - 2
        assert status() == [drawn(1), 200, front - 2, front]
        browser.execute_script('document.querySelector("#filter [name=hide]").click()')
        assert drawn(1) == front - 2  # the first trace that is left
        browser.execute_script(_SET, 0, 0)
        browser.execute_script(_SET, 1, front - 1)
        assert browser.execute_script(_LISTED) == front
        assert browser.get_log("browser") == []  # type: ignore[attr-defined]


def test_on_a_wide_screen(browser: "WebDriver", url: str) -> None:
    with show(browser, url):
        assert violations(browser) == []
        assert browser.execute_script(_TEXT_COLOUR) == "rgb(27, 39, 51)"
        labels = browser.execute_script(_LABELS)
        assert len(labels) == 10
        assert labels[0].startswith("Accuracy against spikes of 200 evaluated architectures: the P")
        assert all(label.endswith(".") for label in labels)


def test_on_a_phone_in_the_dark(browser: "WebDriver", url: str) -> None:
    with show(browser, url, width=390, dark=True):
        assert violations(browser) == []
        assert browser.execute_script(_TEXT_COLOUR) == "rgb(230, 235, 240)"
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert max(browser.execute_script(_RIGHT_EDGES)) <= 390
        titles = "return [...document.querySelectorAll('#top td.n')].map(one => one.dataset.title)"
        assert browser.execute_script(titles)[:2] == ["Validation accuracy", "Spikes per image"]


def test_on_paper(browser: "WebDriver", url: str) -> None:
    with show(browser, url, dark=True, media="print"):
        assert browser.execute_script(_TEXT_COLOUR) == "rgb(27, 39, 51)"
        assert (
            browser.execute_script("return document.getElementById('filter').offsetParent") is None
        )
