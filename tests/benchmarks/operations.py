"""What counting operations adds to scoring, and how long exports take.

    python -m tests.benchmarks.operations

A network of the package is scored on 2,000 images of Fashion-MNIST with and without counting, in
turns. Then every network of the paper, with its widest channels, is exported in every format.
"""

import argparse
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from autosnn_nni.data import Batches, DataSet, Images, load_dataset
from autosnn_nni.errors import UserError
from autosnn_nni.export import EXPORTS, Exported
from autosnn_nni.pretrained import load_pretrained
from autosnn_nni.scoring.evaluation import evaluate
from autosnn_nni.search_spaces import NETWORKS, NetworkConfig, build_network

CHANNELS = 64


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    options = parser.parse_args()
    plain, counting = scoring(options.repeats, options.images)
    print(f"scoring {plain:.2f} s, counting operations {counting:.2f} s: {counting / plain:.3f}")
    for name in options.networks:
        print(f"{name:20}", "  ".join(f"{form} {one:.2f} s" for form, one in exports(name).items()))


def scoring(repeats: int, images: int) -> tuple[float, float]:
    """Median seconds without and with counting."""
    network = load_pretrained("AutoSNN-0.08", "FashionMNIST").network
    data = load_dataset("FashionMNIST")
    test = data.test.subset(torch.arange(images))
    batches = list(Batches(test, data, batch_size=96, device="cpu"))
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(2 * repeats):
        start = time.perf_counter()
        evaluate(network, batches, operations=bool(turn % 2))
        seconds[bool(turn % 2)].append(time.perf_counter() - start)
    return statistics.median(seconds[False]), statistics.median(seconds[True])


def exports(name: str) -> dict[str, float]:
    """Seconds of the export of an untrained network, by format; none for what is refused."""
    network = NETWORKS[name]
    blocks = network.blocks
    config = NetworkConfig(
        network.space,
        (2, 64, 64) if "DVS" in name or name in ("SCNN-He", "DECOLLE-Kaiser") else (3, 32, 32),
        10,
        channels=CHANNELS,
        candidates=tuple(dict.fromkeys(blocks)),
    )
    pixels = torch.randint(0, 256, (8, *config.shape), dtype=torch.uint8)
    images, zeros = Images(pixels, torch.arange(8)), (0.0,) * config.shape[0]
    data = DataSet("random", 10, images, images, zeros, (1.0,) * config.shape[0], 0, flip=False)
    exported = Exported(build_network(config, blocks).eval(), config, blocks, data)
    seconds = {}
    with TemporaryDirectory() as folder:
        for form, write in EXPORTS.items():
            start = time.perf_counter()
            try:
                write(exported, Path(folder))
            except UserError as error:
                print(error)
                return {}
            seconds[form] = time.perf_counter() - start
    return seconds


if __name__ == "__main__":
    main()
