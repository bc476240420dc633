"""Writes the comparison of several runs: one page, and its table."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from autosnn_nni.energy import ENERGY
from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.report import compare, compare_figures
from autosnn_nni.report.compare import Compared
from autosnn_nni.report.tables import table
from autosnn_nni.report.templates import Drawing, drawing, render_template, setting_text
from autosnn_nni.search_spaces import to_text

_COLUMNS = (
    *("run", "dataset", "space", "seed", "seeds", "architecture", "evaluated", "on_front"),
    *("validation_accuracy", "validation_spikes", "accuracy", "accuracy_std", "spikes"),
    *("spikes_std", "firing_rate", "parameters", "energy", "supernet_seconds"),
    *("search_seconds", "retraining_seconds", "baselines_seconds"),
)


def write_comparison(paths: Sequence[Path], page: Path) -> Path:
    """Compare runs: write the ``page``, and a table next to it with the ending ``.csv``.

    Runs without a search or without a trained network show what they have. Raises
    :class:`UserError` for fewer than two runs, for what is no run, and for a page that does not end
    in ``.html``.
    """
    if page.suffix != ".html" or page.is_dir():
        raise UserError(f"--output must be a file that ends in .html, not {page}")
    runs = compare.read_runs(paths)
    write_whole(page.with_suffix(".csv"), table(_COLUMNS, map(_row, runs)))
    write_whole(page, _render(runs, page.with_suffix(".csv").name))
    return page


def _render(runs: Sequence[Compared], csv: str) -> str:
    found = compare.differences(runs)
    return render_template(
        "compare.html",
        _figures(runs),
        headline=f"{', '.join(one.label for one in runs[:-1])} and {runs[-1].label} compared",
        context=["comparison of runs"],
        csv=csv,
        runs=runs,
        warnings=compare.warnings(runs),
        trained=[one for one in runs if one.run.result],
        winner_costs=compare.winner_costs(runs),
        seeds={one.label: compare.of_seeds(one) for one in runs},
        groups=compare.groups(runs),
        verdicts=compare.verdicts(runs),
        energy=next(iter(ENERGY)),
        times={one.label: compare.times(one) for one in runs},
        differences={
            name.replace("_", " "): [setting_text(value) for value in row]
            for name, row in found.items()
        },
    )


def _figures(runs: Sequence[Compared]) -> dict[str, Drawing]:
    figures, cost = {}, compare.shared_cost(runs)
    if any(compare.front(one, cost) for one in runs):
        figure = compare_figures.fronts_figure(runs, cost)
        figures["fronts"] = drawing("fronts", figure, compare_figures.fronts_in_words(runs, cost))
    if any(one.run.result for one in runs):
        figure = compare_figures.seeds_figure(runs)
        figures["seeds"] = drawing("seeds", figure, compare_figures.seeds_in_words(runs))
    return figures


def _row(one: Compared) -> list[object]:
    cells = {
        "run": one.label,
        **{name: one.settings.get(name, "") for name in ("dataset", "space", "seed")},
        **_searched(one),
        **_tested(one),
        **{f"{stage}_seconds": value for stage, value in asdict(compare.times(one)).items()},
    }
    return [_known(cells.get(name, "")) for name in _COLUMNS]


def _searched(one: Compared) -> dict[str, object]:
    run = one.run
    if not run.best:
        return {"evaluated": len(run.candidates)}
    return {
        "evaluated": len(run.candidates),
        "on_front": len(compare.front(one, compare.shared_cost([one]))),
        "architecture": to_text(run.best.blocks),
        "validation_accuracy": run.best.accuracy,
        "validation_spikes": run.best.spikes,
    }


def _tested(one: Compared) -> dict[str, object]:
    """The test results, over all seeds; the energy is in joules by the first model."""
    result = one.run.result
    if not result:
        return {}
    accuracy, spikes = result.spreads["accuracy"], result.spreads["spikes"]
    return {
        "seeds": result.seeds,
        "architecture": result.title,
        **{"accuracy": accuracy.mean, "accuracy_std": accuracy.std},
        **{"spikes": spikes.mean, "spikes_std": spikes.std},
        "firing_rate": result.spreads["firing_rate"].mean,
        "parameters": result.parameters,
        "energy": result.energy.get(next(iter(ENERGY)), ""),
    }


def _known(value: object) -> object:
    return "" if isinstance(value, float) and math.isnan(value) else value
