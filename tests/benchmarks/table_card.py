"""What a table is like: ``python -m tests.benchmarks.table_card TABLE --output PNG``.

Printed are its trainings and their time; for test accuracy, spikes and synaptic operations the
mean, the standard deviation of the seeds, that of the architectures beyond it, the correlation and
tau between two seeds, and the ceiling of tau with the mean of the seeds that all have; means by the
number of skips; and the Pareto front. The picture has every architecture, by its number of skips.
"""

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from autosnn_nni.files import write_whole
from autosnn_nni.report import theme
from autosnn_nni.report.drawing import axis_titles, panels_of, png
from autosnn_nni.scoring.ranking import ceiling
from autosnn_nni.search_spaces import to_text
from autosnn_nni.table import Table
from tests.benchmarks.table_noise import noise

COLUMNS = ("accuracy", "spikes", "synops")


def means(table: Table) -> pd.DataFrame:
    """Test results of every architecture, how many skips it has, and whether it is on the front."""
    front = set(table.front())
    return pd.DataFrame(
        [
            {
                "blocks": to_text(blocks),
                "skips": blocks.count("skip"),
                "front": blocks in front,
                **{name: getattr(table.tested(blocks), name) for name in COLUMNS},
            }
            for blocks in table.architectures
        ]
    )


def picture(found: pd.DataFrame) -> Figure:
    """Accuracy against spikes, by the number of skips; a line joins the front."""
    figure, (panel,) = panels_of(1, width=8.5, height=5.2)
    for (skips, some), colour in zip(found.groupby("skips"), theme.SERIES, strict=False):
        label = f"{skips} skip" if skips == 1 else f"{skips} skips"
        panel.plot(
            *(some["spikes"], 100 * some["accuracy"], "o"),
            **{"color": colour, "markersize": 2.5, "alpha": 0.6, "label": label},
        )
    front = found[found["front"]].sort_values("spikes")
    panel.plot(front["spikes"], 100 * front["accuracy"], color=theme.INK, label="Pareto front")
    axis_titles(panel, theme.SPIKES, theme.TEST_ACCURACY)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def main() -> None:
    """Print all, and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="its name, or its JSON file")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    table = Table(options.table)
    last = table.rows[table.rows["epoch"] == table.plan.epochs[-1]]
    print(f"{len(last)} trainings, {last['seconds'].sum() / 3600:.1f} hours of a core to train")
    print(last.groupby("timesteps")["seconds"].agg(["count", "mean"]).to_string())
    whole = last[(last["timesteps"] == table.plan.timesteps) & (last["seed"] < table.seeds)]
    for name in COLUMNS:
        trained = whole.rename(columns={f"test_{name}": name})
        seeds = [
            [getattr(table.tested(blocks, seed), name) for blocks in table.architectures]
            for seed in range(table.seeds)
        ]
        found = {**noise(trained, name), "ceiling": ceiling(seeds)}
        print(f"{name}: {'  '.join(f'{key} {value:.4g}' for key, value in found.items())}")
    found = means(table)
    print(found[list(COLUMNS)].describe().loc[["min", "max"]].to_string())
    print(found.groupby("skips")[list(COLUMNS)].mean().to_string())
    print(found[found["front"]].sort_values("spikes").drop(columns="front").to_string(index=False))
    write_whole(options.output, png(picture(found)))


if __name__ == "__main__":
    main()
