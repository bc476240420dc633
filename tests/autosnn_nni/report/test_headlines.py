from collections.abc import Callable
from pathlib import Path

import pytest

from autosnn_nni.report.headlines import headline
from autosnn_nni.runs.contents import read_contents


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("result.json",), "97.2 % test accuracy with 3,470 spikes per image"),
        (("best.json",), "98.1 % validation accuracy with 2,300 spikes per image"),
        (("candidates.csv",), "200 architectures evaluated"),
        (("supernet.csv",), "Supernet after 40 epochs"),
        (("retrained.csv",), "Network after 40 epochs"),
        (("settings.json",), "Nothing has been trained"),
    ],
)
def test_the_headline_is_the_furthest_result(
    run_with: Callable[..., Path], names: tuple[str, ...], expected: str
) -> None:
    assert expected in headline(read_contents(run_with(*names)))
