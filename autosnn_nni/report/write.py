"""Writes the files of a report: the page, the PNG files, the tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from autosnn_nni.files import write_whole
from autosnn_nni.report import analysis, png_figures, search
from autosnn_nni.report.drawing import png
from autosnn_nni.report.page import render
from autosnn_nni.report.tables import table
from autosnn_nni.report.worth import Worth, worths
from autosnn_nni.runs.contents import Layer, Operations, Result, RunContents, read_contents
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.scoring.spread import MEASURED, Spread, verdicts
from autosnn_nni.search_spaces import to_text
from autosnn_nni.strategies import BOTH, Objective

_LAYER_COLUMNS = ("name", "kind", "neurons", "spikes", "firing_rate")
_OPERATION_COLUMNS = ("name", "synops", "macs", "dense", "parameters")
_WORTH_COLUMNS = ("place", "block", "count", "fitness", "accuracy", "cost")
_COMPARISON_COLUMNS = (
    "network",
    "architecture",
    "accuracy",
    "spikes",
    "parameters",
    "firing_rate",
)
_SEED_COLUMNS = (
    "seeds",
    *(f"{name}_{what}" for name in MEASURED for what in ("mean", "std")),
    *(f"{objective.name}_verdict" for objective in BOTH),
)


def write_report(run: Path) -> Path:
    """Write the report of the run directory ``run`` and return the path of its page.

    Also writes the figures as PNG, and the tables that are in no other file: the front, what blocks
    are worth, the layers, their operations, the comparison. Results that the run does not have are
    left out. Raises :class:`UserError` if ``run`` is not a run directory or a file in it is broken.
    """
    contents, files = read_contents(run), RunFiles(run)
    page = render(contents)
    for name, figure in _figures(contents).items():
        write_whole(files.figure(name), png(figure))
    for path, text in _tables(contents, files).items():
        write_whole(path, text)
    write_whole(files.report, page)
    return files.report


def _figures(run: RunContents) -> dict[str, Figure]:
    figures = {}
    if search.with_accuracy(run.candidates):
        for name, cost in search.search_figures(run).items():
            figures[name] = png_figures.search_figure(run, cost)
    if run.candidates:
        figures["fitness"] = png_figures.fitness_figure(run.candidates)
    if compared := analysis.with_error_bars(run):
        figures["comparison"] = png_figures.comparison_figure(compared)
    if run.judged:
        figures["trust"] = png_figures.trust_figure(run.judged)
    if stages := analysis.stages(run):
        figures["network"] = png_figures.network_figure(stages, run.result)
    if run.result and run.result.layers:
        figures["layers"] = png_figures.layers_figure(run.result.layers)
    for stage, networks in analysis.trainings(run).items():
        figures[stage] = png_figures.curves_figure({stage: networks})
    return figures


def _tables(run: RunContents, files: RunFiles) -> dict[Path, str]:
    tables = {}
    if search.with_accuracy(run.candidates):
        tables[files.front] = _front_table(run)
    if run.candidates:
        tables[files.blocks] = _rows_table(_WORTH_COLUMNS, worths(run))
    if run.result and run.result.layers:
        tables[files.layers] = _rows_table(_LAYER_COLUMNS, run.result.layers)
    if run.result and run.result.operations:
        tables[files.operations] = _rows_table(_OPERATION_COLUMNS, run.result.operations)
    if any(baseline.result for baseline in run.baselines):
        tables[files.comparison] = _comparison_table(run)
    return tables


def _front_table(run: RunContents) -> str:
    """The Pareto front, with the lambdas for which an architecture is the fittest, if any."""
    costs = search.costs(run)
    names = [cost.name for cost in costs]
    columns = ("architecture", "accuracy", *names, "lowest_lambda", "highest_lambda")
    return table(columns, (_front_row(row, costs) for row in search.front(run)))


def _front_row(row: search.OnFront, costs: Sequence[Objective]) -> tuple[object, ...]:
    one, best = row.candidate, row.optimum
    lambdas = (best.lowest, best.highest) if best else ("", "")
    values = [cost.value(one) for cost in costs]
    return to_text(one.blocks), one.accuracy, *values, *lambdas


def _rows_table(columns: Sequence[str], rows: Iterable[Layer | Operations | Worth]) -> str:
    return table(columns, ([getattr(row, name) for name in columns] for row in rows))


def _comparison_table(run: RunContents) -> str:
    """The first seed's results; with several seeds also means, deviations and what they tell."""
    found = [(one.label, one.result) for one in analysis.contenders(run) if one.result]
    rows = [
        (label, result.title, *(getattr(result, name) for name in _COMPARISON_COLUMNS[2:]))
        for label, result in found
    ]
    if all(result.seeds == 1 for _, result in found):
        return table(_COMPARISON_COLUMNS, rows)
    more = (_over_seeds(result, run.result) for _, result in found)
    whole = [(*row, *cells) for row, cells in zip(rows, more, strict=True)]
    return table((*_COMPARISON_COLUMNS, *_SEED_COLUMNS), whole)


def _over_seeds(result: Result, own: Result | None) -> tuple[object, ...]:
    """The cells of ``_SEED_COLUMNS``: the last ones say how the run's network differs."""
    found = verdicts(own.spreads, result.spreads) if own and own is not result else {}
    numbers = (number for name in MEASURED for number in _mean_std(result.spreads[name]))
    return result.seeds, *numbers, *(found.get(objective.name, "") for objective in BOTH)


def _mean_std(spread: Spread) -> tuple[object, object]:
    return spread.mean, spread.std if spread.count > 1 else ""
