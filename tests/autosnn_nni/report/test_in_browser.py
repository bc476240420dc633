"""What a person sees of the report in Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from tests.accessibility import show, violations

_DRAWN = """
const search = document.querySelector("#search .js-plotly-plot");
return search.querySelectorAll(".scatterlayer .trace:nth-child(" + arguments[0] + ") .point").length
"""
_LISTED = """
const rows = [...document.querySelectorAll("#front tbody tr")];
return rows.filter(row => row.offsetParent).length
"""
_SET = """
const slider = document.querySelectorAll("#filter input[type=range]")[arguments[0]];
slider.value = arguments[1];
slider.dispatchEvent(new Event("input", {bubbles: true}));
return slider.parentElement.textContent.trim();
"""


@pytest.fixture
def page(reported: Path, browser: WebDriver) -> Iterator[WebDriver]:
    show(browser, (reported / "report.html").as_uri())
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})  # type: ignore[attr-defined]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})  # type: ignore[attr-defined]


def test_sliders_and_the_toggle_change_what_is_shown(page: WebDriver) -> None:
    def drawn(trace: int) -> int:
        return int(page.execute_script(_DRAWN, trace))

    def status() -> list[int]:
        text = page.execute_script(
            'return document.querySelector("#filter [role=status]").textContent'
        )
        return list(map(int, re.findall(r"\d+", text)))

    front = page.execute_script(_LISTED)
    assert (drawn(1), drawn(2)) == (200, front)
    assert status() == [200, 200, front, front]
    assert page.execute_script(_SET, 0, 1).startswith("Accuracy at least")
    assert drawn(2) == page.execute_script(_LISTED) == front - 1  # each step is one of the front
    assert drawn(1) < 200
    page.execute_script(_SET, 1, front - 2)
    assert drawn(2) == page.execute_script(_LISTED) == front - 2
    assert status() == [drawn(1), 200, front - 2, front]
    page.execute_script('document.querySelector("#filter [name=hide]").click()')
    assert drawn(1) == front - 2  # the first trace that is left
    page.execute_script(_SET, 0, 0)
    page.execute_script(_SET, 1, front - 1)
    assert page.execute_script(_LISTED) == front
    assert page.get_log("browser") == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_axe_finds_nothing(page: WebDriver, reported: Path, width: int, dark: bool) -> None:
    show(page, (reported / "report.html").as_uri(), width=width, dark=dark)
    assert violations(page) == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_figures_are_readable_in_the_dark(page: WebDriver, reported: Path) -> None:
    colour = 'return getComputedStyle(document.querySelector("#search text")).fill'
    light = page.execute_script(colour)
    show(page, (reported / "report.html").as_uri(), dark=True)
    assert (light, page.execute_script(colour)) == ("rgb(27, 39, 51)", "rgb(230, 235, 240)")


def test_every_figure_is_described(page: WebDriver) -> None:
    labels = page.execute_script(
        "return [...document.querySelectorAll('figure')].map(one => one.ariaLabel)"
    )
    assert len(labels) == 10
    assert labels[0].startswith(
        "Accuracy against spikes of 200 evaluated architectures: the Pareto"
    )
    assert all(label.endswith(".") for label in labels)


def test_on_a_phone_tables_show_their_numbers(page: WebDriver, reported: Path) -> None:
    show(page, (reported / "report.html").as_uri(), width=390)
    cells = "[...document.querySelectorAll('td:not(.matrix td):not(details td)')]"
    edges = f"return {cells}.map(one => one.getBoundingClientRect().right)"
    assert max(page.execute_script(edges)) <= 390
    titles = "return [...document.querySelectorAll('#top td.n')].map(one => one.dataset.title)"
    assert page.execute_script(titles)[:2] == ["Validation accuracy", "Spikes per image"]


def test_on_paper_the_page_is_light_without_controls(page: WebDriver, reported: Path) -> None:
    show(page, (reported / "report.html").as_uri(), dark=True)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})  # type: ignore[attr-defined]
    colour = "return getComputedStyle(document.body).color"
    controls = "return document.getElementById('filter').offsetParent"
    seen = page.execute_script(colour), page.execute_script(controls)
    assert seen == ("rgb(27, 39, 51)", None)
