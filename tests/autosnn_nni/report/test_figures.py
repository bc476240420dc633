from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure

from autosnn_nni import report
from autosnn_nni.errors import UserError
from autosnn_nni.runs.contents import read_contents
from tests.autosnn_nni.written_run import add_seeds

PLOTS = [name for name in report.__all__ if name.startswith("plot_")]


def plot(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(report, name)
    return found


@pytest.mark.parametrize("name", PLOTS)
def test_both_backends_draw_a_run(name: str, run: Path) -> None:
    contents = read_contents(run)
    figure = plot(name)(contents)
    assert isinstance(figure, go.Figure)
    assert figure.data or figure.layout.shapes
    drawn = plot(name)(contents, backend="matplotlib")
    assert isinstance(drawn, Figure)
    assert any(axes.lines or axes.patches for axes in drawn.axes)


def test_a_run_is_also_the_path_of_its_folder(run: Path) -> None:
    evaluated, front, knee, winner = report.plot_search(str(run)).data
    assert [len(one.x) for one in (evaluated, knee, winner)] == [200, 1, 1]
    assert max(front.y) == max(evaluated.y)


def test_curves_have_a_row_for_the_supernet_and_one_for_networks(run: Path) -> None:
    figure = report.plot_curves(run)
    assert len(figure.data) == 3 * (1 + 3)
    shown = [one.name for one in figure.data if one.showlegend]
    assert shown == ["Supernet", "Winner", "SCB_k3 throughout", "SRB_k3 throughout"]
    assert len({one.line.dash for one in figure.data[3:6]}) == 3
    assert len(report.plot_curves(run, backend="matplotlib").axes) == 6


def test_several_seeds_get_error_bars(run: Path) -> None:
    single = report.plot_comparison(run).data[0]
    assert single.error_y.array[0] != single.error_y.array[0]  # NaN
    several = report.plot_comparison(add_seeds(run)).data[0]
    assert several.error_y.array[0] == pytest.approx(100 * 0.972 / 500)


@pytest.mark.parametrize("name", PLOTS)
def test_what_a_run_lacks_is_said(name: str, run_with: Callable[..., Path]) -> None:
    run = run_with("settings.json")
    with pytest.raises(UserError, match="to draw; see its report"):
        plot(name)(run)


def test_an_unknown_backend_is_refused(run: Path) -> None:
    with pytest.raises(UserError, match="plotly or matplotlib, not 'bokeh'"):
        report.plot_fitness(run, backend="bokeh")  # type: ignore[arg-type]
