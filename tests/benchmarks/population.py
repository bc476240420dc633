"""A search's populations, shared against one by one: ``python -m tests.benchmarks.population``.

The generations of an evolution over an untrained supernet with the activity of a trained one. Each
is scored by the plain reference (loops over timesteps and layers), by the package one by one, and
by the package together, in turns. The last two must give the same spikes.
"""

import argparse
import resource
import time
from collections.abc import Sequence

import torch
from torch import nn

from autosnn_nni.evaluation import Batch, score
from autosnn_nni.memory import keep_freed_memory
from autosnn_nni.prefixes import PopulationScorer
from autosnn_nni.search_spaces import (
    SpikingSpace,
    from_sample,
    path_weights,
    subnet,
    to_sample,
)
from autosnn_nni.strategies import Choices, Evaluated, Evolution, Fitness, History
from tests import reference

SPACE, SHAPE, CHANNELS, TIMESTEPS = "SNN_1", (3, 32, 32), 16, 8
#: Of batch norm; about 70,000 spikes per image in SNN_1 with C = 16 and T = 8.
BIAS = 0.6
Sample = dict[str, str]


def plain(space: SpikingSpace, samples: Sequence[Sample], val: Sequence[Batch]) -> list[float]:
    """Spikes per image by the reference."""
    return [_plain(space, sample, val) for sample in samples]


@torch.inference_mode()
def _plain(space: SpikingSpace, sample: Sample, val: Sequence[Batch]) -> float:
    state = space.network.state_dict()
    weights = {
        name: value.contiguous(memory_format=torch.contiguous_format)
        for name, value in path_weights(state, sample).items()
    }
    spikes, images_seen = 0.0, 0
    for images, labels in val:
        net = reference.Plain(weights)
        votes = reference.forward(net, SPACE, from_sample(sample), images, space.config.timesteps)
        _ = int((votes.argmax(1) == labels).sum())
        spikes += sum(net.spikes.values())
        images_seen += len(images)
    return spikes / images_seen


def main() -> None:
    """Print a line for each generation, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--population", type=int, default=20)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--cache-memory", type=int, default=2**30, help="bytes")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    space = SpikingSpace(
        SPACE, shape=SHAPE, classes=10, channels=CHANNELS, timesteps=TIMESTEPS
    ).eval()
    for module in space.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.bias, BIAS)
    val = [(torch.randn(options.images, *SHAPE), torch.randint(0, 10, (options.images,)))]
    half = options.population // 2
    search = Evolution(
        rounds=options.generations, population=options.population, mutated=half, crossed=half
    )
    scorer = PopulationScorer(space.network, val, [], options.cache_memory)
    history, choices, fitness = History(), Choices.of(space), Fitness()
    seconds = [0.0, 0.0, 0.0]
    for generation in range(1, options.generations + 1):
        samples = [to_sample(blocks) for blocks in search.propose(choices, history)]
        start = time.perf_counter()
        by_reference = plain(space, samples, val)
        middle = time.perf_counter()
        alone = [score(subnet(space.network, one), val, [], fitness, 1.0) for one in samples]
        late = time.perf_counter()
        together = scorer.evaluate(samples)
        end = time.perf_counter()
        for number, taken in enumerate((middle - start, late - middle, end - late)):
            seconds[number] += taken
        assert [one["spikes"] for one in alone] == [spikes for _, spikes in together]
        apart = max(
            abs(one - spikes) / one for one, (_, spikes) in zip(by_reference, together, strict=True)
        )
        history.extend(
            Evaluated.of(from_sample(sample), metrics, generation)
            for sample, metrics in zip(samples, alone, strict=True)
        )
        print(
            f"generation {generation}: reference {middle - start:.1f} s, one by one "
            f"{late - middle:.1f} s, together {end - late:.1f} s, spikes apart by {apart:.1e}",
            flush=True,
        )
    reference_, alone_, together_ = seconds
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{len(history)} architectures, {options.images} images: x{reference_ / together_:.2f} "
        f"against the reference, x{alone_ / together_:.2f} against one by one; "
        f"mean {sum(one.spikes for one in history) / len(history):,.0f} spikes, peak {memory} MiB"
    )


if __name__ == "__main__":
    main()
