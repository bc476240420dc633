"""Whether the ceiling of tau holds on a table: ``python -m tests.benchmarks.table_ceiling TABLE``.

A perfect predictor can't be had. But what the ceiling assumes (noise and true values are normal,
all architectures equally noisy) also says how well the mean of k seeds agrees with the mean of m
others: they correlate with ``r sqrt(k m / ((1 + (k - 1) r) (1 + (m - 1) r)))`` if two seeds do with
r. Both taus are printed, over the random architectures that have further seeds: what is expected,
and the mean over all ways to draw k and m seeds of them.
"""

import argparse
import itertools
import math
from collections.abc import Iterator
from statistics import fmean

import pandas as pd

from autosnn_nni.scoring.ranking import correlation_of, tau, tau_of
from autosnn_nni.search_spaces import to_text
from autosnn_nni.table import Table


def of_seeds(table: Table, column: str) -> pd.DataFrame:
    """Test results of the random sample that has further seeds: a column for each seed."""
    rows, plan = table.rows, table.plan
    sample = [to_text(blocks) for blocks in plan.architectures[: plan.sample]]
    rows = rows[rows["blocks"].isin(sample)]
    last = rows[(rows["timesteps"] == plan.timesteps) & (rows["epoch"] == plan.epochs[-1])]
    return last.pivot(index="blocks", columns="seed", values=f"test_{column}").dropna()


def expected(r: float, k: int, m: int) -> float:
    """Tau between the means of k and of m seeds, if two seeds correlate with r."""
    return tau_of(r * math.sqrt(k * m / ((1 + (k - 1) * r) * (1 + (m - 1) * r))))


def observed(seeds: pd.DataFrame, k: int, m: int) -> float:
    """The mean tau over all ways to draw k seeds and m others."""
    return fmean(
        tau(seeds[list(one)].mean(axis=1), seeds[list(other)].mean(axis=1))
        for one, other in _drawn(list(seeds), k, m)
    )


def _drawn(seeds: list[int], k: int, m: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    for one in itertools.combinations(seeds, k):
        left = [seed for seed in seeds if seed not in one]
        for other in itertools.combinations(left, m):
            if k < m or one < other:
                yield one, other


def main() -> None:
    """Print both taus for every k and m."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="its name, or its JSON file")
    table = Table(parser.parse_args().table)
    for column in ("accuracy", "spikes"):
        seeds = of_seeds(table, column)
        r = correlation_of(observed(seeds, 1, 1))
        print(f"{column}: {len(seeds)} architectures with {seeds.shape[1]} seeds, r = {r:.3f}")
        for k, m in itertools.combinations_with_replacement(range(1, seeds.shape[1]), 2):
            if k + m <= seeds.shape[1]:
                both = f"expected {expected(r, k, m):.3f}, observed {observed(seeds, k, m):.3f}"
                print(f"  means of {k} and {m}: {both}")


if __name__ == "__main__":
    main()
