"""Searches for the whole front, at the same budget: ``python -m tests.benchmarks.hypervolume RUN``.

``RUN`` is an exhaustive search: its ``candidates.csv`` answers for the supernet, so that a search
takes milliseconds and the true front is known. Every search evaluates 200 architectures, with many
seeds. Hypervolumes are pymoo's, of accuracy and spikes scaled so that the true front's best is 0
and its worst 1, up to the reference point (1.1, 1.1); a row has them as shares of the true front's.
The ends of a front weigh much in that: a second column has the same of the true front's accurate
part alone. P values are of two-sided Mann-Whitney tests against NSGA-II.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import mannwhitneyu

from autosnn_nni.scoring.evaluation import metrics
from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import (
    NSGA2,
    Choices,
    Evaluated,
    Evolution,
    Fitness,
    History,
    HypervolumeShare,
    Measurements,
    RandomSearch,
    Search,
    front_of,
)
from autosnn_nni.strategies.generations import run_alone

#: Of the best accuracy: what the accurate part of a front has at least.
ACCURATE = 0.9
LAMBDA = -0.08
#: The paper's, of which each gets a quarter of the budget.
LAMBDAS = (0.0, -0.08, -0.16, -0.24)

Scores = Mapping[Architecture, Measurements]


class Landscape:
    """An exhaustive search: accuracy and spikes of every architecture."""

    def __init__(self, candidates: Path) -> None:
        table = pd.read_csv(candidates)
        names = [name for name in table if str(name).startswith("tbd")]
        blocks = list(zip(*(table[name] for name in names), strict=True))
        measured = table[["accuracy", "spikes"]].to_dict("records")
        self.scores: Scores = {
            one: Measurements(**scores) for one, scores in zip(blocks, measured, strict=True)
        }
        self.choices = Choices(tuple(dict.fromkeys(table[name])) for name in names)
        if len(self.scores) != self.choices.size:
            raise SystemExit(f"{candidates} is not of a whole space: {len(self.scores):,} of them")
        # N_avg scales all fitnesses alike, which changes no choice.
        self.n_avg = float(table["spikes"].mean())

    def run(self, search: Search, lambda_: float = LAMBDA) -> History:
        """Replay ``search`` to its end."""
        fitness = Fitness(lambda_)
        return run_alone(
            search, self.choices, lambda one: metrics(fitness, self.n_avg, self.scores[one])
        )

    @property
    def front(self) -> list[Evaluated]:
        """The true one."""
        found = self.scores.items()
        return front_of([Evaluated(one, 0.0, 1, **scores.measured) for one, scores in found])


def four_lambdas(landscape: Landscape, seed: int) -> list[Evaluated]:
    """Algorithm 1 for each lambda, in five rounds of ten."""
    found: list[Evaluated] = []
    for number, lambda_ in enumerate(LAMBDAS):
        own = len(LAMBDAS) * seed + number
        search = Evolution(rounds=5, population=10, mutated=5, crossed=5, top=5, seed=own)
        found += landscape.run(search, lambda_)
    return found


SEARCHES: dict[str, Callable[[Landscape, int], Iterable[Evaluated]]] = {
    "NSGA-II": lambda landscape, seed: landscape.run(NSGA2(seed=seed)),
    f"Algorithm 1, lambda {LAMBDA}": lambda landscape, seed: landscape.run(Evolution(seed=seed)),
    "Algorithm 1, 4 lambdas x 50": four_lambdas,
    "random": lambda landscape, seed: landscape.run(RandomSearch(seed=seed)),
}


def main() -> None:
    """Print the front, and a row for each search."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of an exhaustive search")
    parser.add_argument("--seeds", type=int, default=30)
    options = parser.parse_args()
    landscape = Landscape(options.run / "candidates.csv")
    front = landscape.front
    accurate = [one for one in front if one.accuracy >= ACCURATE * front[-1].accuracy]
    print(f"{len(landscape.scores):,} architectures, {options.seeds} seeds")
    for title, part in ("front", front), ("its accurate part", accurate):
        print(
            f"{title}: {len(part)}, accuracy {part[0].accuracy:.4f} to {part[-1].accuracy:.4f}, "
            f"spikes {part[0].spikes:,.0f} to {part[-1].spikes:,.0f}"
        )
    found = {
        name: [list(run(landscape, seed)) for seed in range(options.seeds)]
        for name, run in SEARCHES.items()
    }
    table = Table("search", "hypervolume", "p", "accurate part", "p", "of the front found")
    columns = [
        {name: [share(one) for one in runs] for name, runs in found.items()}
        for share in (HypervolumeShare(front), HypervolumeShare(accurate))
    ]
    on_front = {one.blocks for one in front}
    for name, runs in found.items():
        hits = np.mean([len(on_front & {one.blocks for one in run}) for run in runs])
        cells = [cell for shares in columns for cell in _compared(name, shares)]
        table.add_row(name, *cells, f"{hits:.1f}")
    Console(width=100).print(table)


def _compared(name: str, shares: Mapping[str, Sequence[float]]) -> tuple[str, str]:
    """Mean and standard deviation in percent, and the p value against NSGA-II."""
    mean, spread = np.mean(shares[name]), np.std(shares[name], ddof=1)
    p = mannwhitneyu(shares[name], shares["NSGA-II"]).pvalue
    return f"{100 * mean:.1f} ± {100 * spread:.1f} %", "" if name == "NSGA-II" else f"{p:.1g}"


if __name__ == "__main__":
    main()
