"""Colours stay apart for people who see red and green alike."""

import itertools

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE

from autosnn_nni.report import theme

#: In CAM02-UCS, where the least difference that people notice is about 1.
APART = 12.0
TOGETHER = {
    "the figure of a search": (theme.CANDIDATE, theme.FRONT, theme.WINNER, theme.KNEE),
    "the network and its baselines": (theme.WINNER, *theme.BASELINES),
    "kinds of stages": tuple(dict.fromkeys(theme.KINDS.values())),
    "runs over each other": theme.SERIES,
}


def difference(one: str, other: str, kind: str) -> float:
    """The difference of two colours with red-green blindness (Machado et al. 2009)."""
    space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
    colours = [
        [int(text[place : place + 2], 16) / 255 for place in (1, 3, 5)] for text in (one, other)
    ]
    seen = np.clip(cspace_convert(colours, space, "sRGB1"), 0, 1)
    return float(deltaE(*seen, input_space="sRGB1"))


@pytest.mark.parametrize("kind", ["deuteranomaly", "protanomaly"])
@pytest.mark.parametrize("colours", TOGETHER.values(), ids=TOGETHER)
def test_colours_of_a_figure_stay_apart(colours: tuple[str, ...], kind: str) -> None:
    for one, other in itertools.combinations(colours, 2):
        assert difference(one, other, kind) > APART, (one, other)


def test_the_usual_red_and_green_would_not() -> None:
    assert difference("#d62728", "#2ca02c", "deuteranomaly") < APART
