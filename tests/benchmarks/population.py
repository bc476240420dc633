"""A search's populations, shared against one by one: ``python -m tests.benchmarks.population``.

The generations of a search over an untrained supernet with the activity of a trained one. Each is
scored by the plain reference (loops over timesteps and layers), by the package one by one, and by
the package together, in turns. The first two may score a sample of each generation only, as their
time is that of an architecture times how many there are. The last two must give the same spikes.
Peak memory is that of a process for each side.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import torch
from torch import nn

from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.scoring.batches import Batch
from autosnn_nni.scoring.evaluation import measure
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.search_spaces import (
    SpikingSpace,
    from_sample,
    path_weights,
    subnet,
    to_sample,
)
from autosnn_nni.strategies import SEARCHES, Choices, Evaluated, Fitness, History, Measurements
from tests import reference

SPACE, SHAPE, CHANNELS, TIMESTEPS = "SNN_1", (3, 32, 32), 16, 8
#: Of batch norm; about 70,000 spikes per image in SNN_1 with C = 16 and T = 8.
BIAS = 0.6
SIDES = ("reference", "one by one", "together")
Sample = dict[str, str]
Scores = list[Measurements]


class Workload:
    """A supernet, images, and a population's scores by each side."""

    def __init__(self, images: int, cache_memory: int) -> None:
        torch.manual_seed(0)
        shape = {"shape": SHAPE, "classes": 10, "channels": CHANNELS, "timesteps": TIMESTEPS}
        self.space = SpikingSpace(SPACE, **shape).eval()
        for module in self.space.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.bias, BIAS)
        self.val: list[Batch] = [
            (torch.randn(images, *SHAPE), torch.randint(0, 10, (images,))),
        ]
        self._scorer = PopulationScorer(self.space.network, self.val, [], cache_memory)
        self._sides: dict[str, Callable[[Sequence[Sample]], Scores]] = {
            "reference": lambda samples: [plain(self.space, one, self.val) for one in samples],
            "one by one": lambda samples: [self._alone(one) for one in samples],
            "together": self._scorer.evaluate,
        }

    def score(self, side: str, samples: Sequence[Sample]) -> Scores:
        """Accuracy and spikes of every sample."""
        return self._sides[side](samples)

    def _alone(self, sample: Sample) -> Measurements:
        return measure(subnet(self.space.network, sample), self.val)


@torch.inference_mode()
def plain(space: SpikingSpace, sample: Sample, val: Sequence[Batch]) -> Measurements:
    """Accuracy and spikes of a sample by the reference, with a supernet's weights."""
    state = space.network.state_dict()
    weights = {
        name: value.contiguous(memory_format=torch.contiguous_format)
        for name, value in path_weights(state, sample).items()
    }
    hits, spikes, images_seen = 0, 0.0, 0
    for images, labels in val:
        net = reference.Plain(weights)
        votes = reference.forward(net, SPACE, from_sample(sample), images, space.config.timesteps)
        hits += int((votes.argmax(1) == labels).sum())
        spikes += sum(net.spikes.values())
        images_seen += len(images)
    return Measurements(accuracy=hits / images_seen, spikes=spikes / images_seen)


class Stopwatch:
    """Seconds per architecture of a side, on the clock and of the processor."""

    def __init__(self) -> None:
        self.architectures = 0
        self.clock = 0.0
        self.processor = 0.0

    def time(self, workload: Workload, side: str, samples: Sequence[Sample]) -> Scores:
        """The side's scores, timed."""
        clock, processor = time.perf_counter(), time.process_time()
        scores = workload.score(side, samples)
        self.clock += time.perf_counter() - clock
        self.processor += time.process_time() - processor
        self.architectures += len(samples)
        return scores

    def against(self, other: "Stopwatch") -> str:
        """How many times as fast ``other`` is."""
        ratios = (
            (mine / self.architectures) / (theirs / other.architectures)
            for mine, theirs in ((self.clock, other.clock), (self.processor, other.processor))
        )
        return "x{:.2f} (x{:.2f} in processor time)".format(*ratios)


def _measure(workload: Workload, options: argparse.Namespace) -> dict[str, Stopwatch]:
    """Print a line for each generation."""
    watches = {side: Stopwatch() for side in SIDES}
    rng = Random(0)
    for generation, samples, history in _generations(workload, options):
        some = rng.sample(range(len(samples)), min(options.sample, len(samples)))
        chosen = [samples[place] for place in some]
        plain = watches["reference"].time(workload, "reference", chosen)
        alone = watches["one by one"].time(workload, "one by one", chosen)
        together = watches["together"].time(workload, "together", samples)
        assert alone == [together[place] for place in some]
        apart = max(abs(a.spikes - b.spikes) / a.spikes for a, b in zip(plain, alone, strict=True))
        _remember(history, samples, together, generation)
        ratio = watches["reference"].against(watches["together"])
        print(
            f"generation {generation}, {len(samples)} architectures: {ratio} so far; "
            f"spikes apart by {apart:.1e}",
            flush=True,
        )
    return watches


def _generations(
    workload: Workload, options: argparse.Namespace
) -> Iterator[tuple[int, list[Sample], History]]:
    search, choices = SEARCHES[options.strategy](seed=0), Choices.of(workload.space)
    history = History()
    for generation in range(1, options.generations + 1):
        population = search.propose(choices, history)
        if not population:
            return
        yield generation, [to_sample(blocks) for blocks in population], history


def _remember(history: History, samples: Sequence[Sample], scores: Scores, generation: int) -> None:
    fitness = Fitness()
    history.extend(
        Evaluated(from_sample(sample), fitness.of(score, 1.0), generation, **score.measured)
        for sample, score in zip(samples, scores, strict=True)
    )


def _peak_memory(side: str) -> int:
    """MiB of a fresh process that scores by one side alone, as the kernel saw them."""
    command = [sys.executable, "-m", "tests.benchmarks.population", *sys.argv[1:]]
    done = subprocess.run([*command, "--peak", side], stdout=subprocess.PIPE, check=True)
    return int(done.stdout.split()[-1])


def _peak(workload: Workload, side: str, options: argparse.Namespace) -> None:
    for generation, samples, history in _generations(workload, options):
        if side != "together":
            workload.score(side, samples[: options.sample])
            break  # it keeps nothing from one generation to the next
        _remember(history, samples, workload.score(side, samples), generation)
    # Not ru_maxrss: a child begins with its parent's.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategy", choices=("evolution", "exhaustive"), default="evolution")
    parser.add_argument("--generations", type=int, default=10, help="25 are all of exhaustive")
    parser.add_argument("--sample", type=int, default=20, help="of a generation, by the others")
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--cache-memory", type=int, default=2**30, help="bytes")
    parser.add_argument("--threads", type=int, help="one is the fairest on a busy machine")
    parser.add_argument("--no-memory", action="store_true", help="skip the peak memory runs")
    parser.add_argument("--peak", choices=SIDES, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Print a line for each generation, and one for all."""
    options = _options()
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    workload = Workload(options.images, options.cache_memory)
    if options.peak:
        _peak(workload, options.peak, options)
        return
    watches = _measure(workload, options)
    together = watches["together"]
    for side in SIDES[:2]:
        print(
            f"{together.architectures} architectures together against {side} "
            f"({watches[side].architectures} timed), {options.images} images, "
            f"{torch.get_num_threads()} threads: {watches[side].against(together)}"
        )
    if not options.no_memory:
        peaks = [_peak_memory(side) for side in ("reference", "together")]
        print("peak memory: reference {} MiB, together {} MiB".format(*peaks))


if __name__ == "__main__":
    main()
