"""Time against firing rate, of one network: ``python -m tests.benchmarks.rates docs/rates.png``.

The network of ``compare`` is biased until its neurons fire at the given rates. A training step, its
bare dense convolutions by torch, and the scoring of the batch are timed in turns, at every rate.
"""

import argparse
import statistics
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from autosnn_nni.freed_memory import keep_freed_memory
from tests.benchmarks import compare

RATES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int)
    parser.set_defaults(blocks=compare.FOUND, spikes=70_000)
    return parser.parse_args()


def main() -> None:
    """Print a line for each rate, and draw them."""
    options = _options()
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    rows: list[list[float]] = []
    for rate in options.rates:
        workload = compare.Workload(options)
        images = workload.images[:16]
        reached = compare.excite(workload.network, images, rate, lambda one: one.firing_rate)
        steps = [
            workload.step("train", "fast", options.batch),
            workload.dense("train"),
            workload.step("score", "fast", options.batch),
            workload.dense("score"),
        ]
        medians = map(statistics.median, compare.interleaved(steps, options.repeats))
        rows.append([reached, *(1000 * seconds for seconds in medians)])
        print(
            "rate {:.3f}: training step {:.0f} ms, its dense convolutions {:.0f} ms; "
            "scoring {:.0f} ms, its dense convolutions {:.0f} ms".format(*rows[-1]),
            flush=True,
        )
    _draw(rows, options.batch, options.picture)


def _draw(rows: list[list[float]], batch: int, picture: Path) -> None:
    rates, *curves = zip(*rows, strict=True)
    figure, panels = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    titles = (f"training step, {batch} images", f"scoring {batch} images")
    for panel, title, (ours, dense) in zip(panels, titles, (curves[:2], curves[2:]), strict=True):
        panel.plot(rates, dense, "--", color="0.5", label="its dense convolutions alone (torch)")
        panel.plot(rates, ours, "o-", color="#0b6fa4", label="all of it, event-driven")
        panel.set(title=title, xlabel="firing rate", ylabel="ms")
        panel.set_ylim(0, 1.1 * max(*ours, *dense))
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False, fontsize=8)
    figure.savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
