"""How far architectures differ beyond the seeds: ``python -m tests.benchmarks.table_noise``.

Random architectures of SNN_1 are trained on FashionMNIST14 with two seeds by each of several
settings, ``IMAGESxEPOCHSxCxT`` or ``IMAGESxEPOCHSxCxTxBATCH`` (by default batches of 64). Printed
are, for test accuracy and spikes, the standard deviation of the seeds, that of the architectures
beyond it, and the correlation and tau between two seeds. A row is written for every training, so
the same command resumes.
"""

import argparse
import itertools
import time
from functools import cache
from pathlib import Path
from random import Random

import pandas as pd

from autosnn_nni.data import DataSet, load_dataset, split
from autosnn_nni.files import write_whole
from autosnn_nni.search_spaces import PAPER_CANDIDATES, NetworkConfig, to_text
from autosnn_nni.strategies import Choices
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.hyperparameters import Training

SEEDS = (0, 1)


def train(setting: str, blocks: tuple[str, ...], seed: int) -> dict[str, float]:
    """Train and test one architecture."""
    images, epochs, channels, timesteps, batch_size, *_ = (*map(int, setting.split("x")), 64)
    data = split(_dataset(), seed=0, images=images)
    size = {"shape": (1, 14, 14), "channels": channels, "timesteps": timesteps}
    config = NetworkConfig("SNN_1", classes=10, **size)  # type: ignore[arg-type]
    named = {"schedule": "one-cycle", "augmentation": "none", "device": "cpu"}
    training = Training(epochs=epochs, batch_size=batch_size, seed=seed, **named)  # type: ignore[arg-type]
    start = time.perf_counter()
    result = train_network(config, blocks, data, training)
    seconds = time.perf_counter() - start
    return {"accuracy": result.accuracy, "spikes": result.spikes, "seconds": seconds}


@cache
def _dataset() -> DataSet:
    return load_dataset("FashionMNIST14")


def noise(trained: pd.DataFrame, column: str) -> dict[str, float]:
    """What is said of a ``column`` of accuracies or spikes of two seeds."""
    seeds = trained.pivot(index="blocks", columns="seed", values=column)
    within = float(((seeds[0] - seeds[1]) ** 2 / 2).mean() ** 0.5)
    total = float(seeds.mean(axis=1).var()) - within**2 / 2
    return {
        "mean": float(seeds.mean(axis=None)),
        "seeds": within,
        "architectures": max(total, 0.0) ** 0.5,
        "r": float(seeds[0].corr(seeds[1])),
        "tau": float(seeds[0].corr(seeds[1], method="kendall")),
    }


def main() -> None:
    """Train what is not in the output yet, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--architectures", type=int, default=20)
    options = parser.parse_args()
    rows = pd.read_csv(options.output).to_dict("records") if options.output.exists() else []
    done = {(row["setting"], row["blocks"], row["seed"]) for row in rows}
    choices = Choices([PAPER_CANDIDATES] * 5)
    drawn = choices.unseen(Random(0), options.architectures, set())
    for blocks, setting, seed in itertools.product(drawn, options.settings, SEEDS):
        key = (setting, to_text(blocks), seed)
        if key not in done:
            named = dict(zip(("setting", "blocks", "seed"), key, strict=True))
            rows.append({**named, **train(setting, blocks, seed)})
            write_whole(options.output, pd.DataFrame(rows).to_csv(index=False))
    for setting, trained in pd.DataFrame(rows).groupby("setting"):
        for column in ("accuracy", "spikes"):
            found = noise(trained, column)
            numbers = "  ".join(f"{name} {value:.4g}" for name, value in found.items())
            print(f"{setting}  {trained['seconds'].mean():.1f} s  {column}: {numbers}")


if __name__ == "__main__":
    main()
