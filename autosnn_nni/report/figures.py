"""The report's figures for notebooks and papers.

Each function takes a run, as the path of its folder or as :class:`RunContents`, and returns a
figure of plotly, or of matplotlib. It raises :class:`UserError` if the run does not have what the
figure shows.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from autosnn_nni.errors import UserError
from autosnn_nni.report import plotly_figures, plotly_network, plotly_search, png_figures
from autosnn_nni.report.analysis import stages, tested, trainings
from autosnn_nni.report.search import costs, with_accuracy
from autosnn_nni.runs.contents import RunContents, read_contents

Backend = Literal["plotly", "matplotlib"]
Run = RunContents | Path | str


def plot_search(run: Run, *, backend: Backend = "plotly") -> Any:
    """Accuracy against the first cost of every evaluated architecture, front, knee and winner."""
    contents = _contents(run)
    _need(with_accuracy(contents.candidates), contents, "no search with accuracies")
    draw = _choose(backend, plotly_search.search_figure, png_figures.search_figure)
    return draw(contents, costs(contents)[0])


def plot_fitness(run: Run, *, backend: Backend = "plotly") -> Any:
    """The fitness of every evaluated architecture, and the best so far, by evaluation."""
    contents = _contents(run)
    _need(contents.candidates, contents, "no search")
    draw = _choose(backend, plotly_search.fitness_figure, png_figures.fitness_figure)
    return draw(contents.candidates)


def plot_layers(run: Run, *, backend: Backend = "plotly") -> Any:
    """Spikes and firing rate of every layer of the trained network that outputs spikes."""
    contents = _contents(run)
    layers = contents.result.layers if contents.result else ()
    _need(layers, contents, "no trained network")
    return _choose(backend, plotly_figures.layers_figure, png_figures.layers_figure)(layers)


def plot_network(run: Run, *, backend: Backend = "plotly") -> Any:
    """The run's network block by block, with the spikes of each stage if it is trained."""
    contents = _contents(run)
    found = stages(contents)
    _need(found, contents, "no winner and no trained network")
    draw = _choose(backend, plotly_network.network_figure, png_figures.network_figure)
    return draw(found, contents.result)


def plot_curves(run: Run, *, backend: Backend = "plotly") -> Any:
    """Accuracy, loss and spikes by epoch: a row for the supernet, one for single networks."""
    contents = _contents(run)
    found = trainings(contents)
    _need(found, contents, "no training curves")
    return _choose(backend, plotly_figures.curves_figure, png_figures.curves_figure)(found)


def plot_comparison(run: Run, *, backend: Backend = "plotly") -> Any:
    """Test accuracy against spikes of network and baselines, with error bars for several seeds."""
    contents = _contents(run)
    found = tested(contents)
    _need(found, contents, "no trained network")
    draw = _choose(backend, plotly_figures.comparison_figure, png_figures.comparison_figure)
    return draw(found)


def _contents(run: Run) -> RunContents:
    return run if isinstance(run, RunContents) else read_contents(Path(run))


def _need(found: object, run: RunContents, missing: str) -> None:
    if not found:
        raise UserError(f"{run.path} has {missing} to draw; see its report for what it has")


def _choose(
    backend: str, plotly: Callable[..., Any], matplotlib: Callable[..., Any]
) -> Callable[..., Any]:
    backends = {"plotly": plotly, "matplotlib": matplotlib}
    if backend not in backends:
        raise UserError(f"backend must be plotly or matplotlib, not {backend!r}")
    return backends[backend]
