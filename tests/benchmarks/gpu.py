"""A GPU against the plain reference, training and scoring: ``python -m tests.benchmarks.gpu``.

The step is forward with spikes counted, MSE, backward and Adam; variants take turns. Operations are
a forward pass's calls of ATen that are no views, about a kernel each, and reads are the values that
the host asks for in it; of the package they are those on a GPU, with or without one. On a GPU there
are also a step's launches, its waits as torch's sync debug mode finds them, and the memory that it
takes at most.

The whole space is scored by a few heads: all architectures that begin with the same two blocks.
``--device cpu`` with small numbers tries the script out; it runs layer by layer there, too.
"""

import argparse
import copy
import statistics
import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.search_spaces import (
    NetworkConfig,
    SpikeCounter,
    SpikingNetwork,
    SpikingSpace,
    build_network,
    from_text,
    to_sample,
)
from autosnn_nni.search_spaces import network as networks
from tests import reference
from tests.benchmarks import population
from tests.benchmarks.compare import FOUND, excite, interleaved, plain_weights

SPACE, CLASSES = "SNN_1", 10
WHOLE_SPACE, IMAGES = 3125, 10_000
Step = Callable[[], object]

#: Questions to a tensor that compute nothing.
_ON_THE_HOST = (torch.ops.prim.device.default, torch.ops.aten.promote_types.default)


class Variant(NamedTuple):
    """A training step, and how many operations and reads its forward pass has."""

    step: Step
    operations: int
    reads: int


class Workload:
    """One network with the activity of a trained one, and a batch on the device."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(0)
        self.device, self.blocks, self.counters = options.device, from_text(FOUND), ExitStack()
        shape = (3, options.side, options.side)
        self.config = NetworkConfig(SPACE, shape, CLASSES, options.channels, options.timesteps)
        network = build_network(self.config, self.blocks)
        images = torch.randn(options.batch, *shape)
        per_image = 70_000 * options.channels * options.timesteps * options.side**2 / 2**17
        self.spikes = excite(network, images[:16], per_image)
        self.weights = plain_weights(network)
        self.images = images.to(self.device)
        self.target = F.one_hot(torch.randint(0, CLASSES, (options.batch,)), CLASSES).float()
        self.target = self.target.to(self.device)

    def plain(self) -> Variant:
        """Timestep after timestep, spikes read layer by layer."""
        weights = {
            name: tensor.detach().clone().to(self.device).requires_grad_(tensor.requires_grad)
            for name, tensor in self.weights.items()
        }
        optimizer = _adam(one for one in weights.values() if one.requires_grad)

        def forward() -> Tensor:
            net = reference.Plain(weights, training=True)
            return reference.forward(net, SPACE, self.blocks, self.images, self.config.timesteps)

        with Operations() as operations:
            forward()
        return Variant(partial(self._learn, optimizer, forward), operations.count, operations.reads)

    def fast(self, *, multi_step: bool, bf16: bool = False) -> Variant:
        """The package's, spikes counted as in training."""
        networks.MULTI_STEP_DEVICES = ("cuda", self.device) if multi_step else ()
        network = build_network(self.config, self.blocks)
        network.load_state_dict(self.weights)
        operations = _on_a_gpu(copy.deepcopy(network), self.images.cpu())
        network.to(self.device).train()
        optimizer = _adam(network.parameters())
        self.counters.enter_context(SpikeCounter(network))

        def forward() -> Tensor:
            with torch.autocast(self.device, torch.bfloat16) if bf16 else nullcontext():
                return network(self.images)

        return Variant(partial(self._learn, optimizer, forward), operations.count, operations.reads)

    def _learn(self, optimizer: torch.optim.Optimizer, forward: Callable[[], Tensor]) -> None:
        loss = F.mse_loss(forward(), self.target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _adam(parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, foreach=True)  # as torch chooses on a GPU


class Operations(TorchDispatchMode):
    """Counts ATen's calls that are no views, and values read by the host."""

    def __init__(self) -> None:
        super().__init__()
        self.count = self.reads = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.count += not (function.is_view or function in _ON_THE_HOST)
        self.reads += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


def _on_a_gpu(network: SpikingNetwork, images: Tensor) -> Operations:
    """A forward pass with tensors that have no values, so that no GPU is needed."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        network.to("cuda")
        images = images.to("cuda")
        with Operations() as operations, SpikeCounter(network):
            network(images)
    return operations


def _finished(step: Step, device: str) -> Step:
    """The step, until the device has done it."""

    def run() -> None:
        step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def _waits(step: Step) -> int:
    torch.cuda.set_sync_debug_mode("warn")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step()
    torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(one.message) for one in caught)


def _launches_and_memory(step: Step) -> tuple[int, int]:
    """Kernels that one step launches on a GPU, and MiB that it adds to what is there before it."""
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        step()
        torch.cuda.synchronize()
    launches = sum(
        event.count
        for event in profiler.key_averages()
        if event.key.startswith(("cudaLaunchKernel", "cuLaunchKernel"))
    )
    return launches, (torch.cuda.max_memory_allocated() - before) // 2**20


def train(options: argparse.Namespace) -> None:
    """A line for each variant."""
    workload, device = Workload(options), options.device
    variants = {
        "plain reference": workload.plain(),
        "timestep by timestep": workload.fast(multi_step=False),
        "layer by layer": workload.fast(multi_step=True),
        "layer by layer, bf16": workload.fast(multi_step=True, bf16=True),
    }
    print(f"training step, {workload.spikes:,.0f} spikes per image at the start")
    steps = [_finished(variant.step, device) for variant in variants.values()]
    seconds = interleaved(steps, options.repeats)
    for (name, variant), times in zip(variants.items(), seconds, strict=True):
        ratios = [plain / one for plain, one in zip(seconds[0], times, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        median = statistics.median(times)
        line = (
            f"{name:<20} {1e3 * median:8.1f} ms {options.batch / median:7.0f} images/s "
            f"x{middle:.2f} ({low:.2f} to {high:.2f}) {variant.operations:5,} operations "
            f"{variant.reads:3} reads"
        )
        if device == "cuda":
            launches, memory = _launches_and_memory(variant.step)
            line += f" {launches:6,} launches {_waits(variant.step):3} waits {memory:6,} MiB"
        print(line)
    workload.counters.close()


def score(options: argparse.Namespace) -> None:
    """A line on the scoring of a few heads, and one on what it says of the whole space."""
    networks.MULTI_STEP_DEVICES = (options.device,)
    torch.manual_seed(0)
    shape = (3, options.side, options.side)
    size = {"channels": options.channels, "timesteps": options.timesteps}
    space = SpikingSpace(SPACE, shape=shape, classes=CLASSES, **size).eval()
    for module in space.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.bias, population.BIAS)
    space.to(options.device)
    count = options.score_batch
    images = torch.randn(count, *shape, device=options.device)
    val = [(images, torch.randint(0, CLASSES, (count,), device=options.device))]
    candidates = space.config.candidates
    heads = list(product(candidates, repeat=2))[:: 25 // options.heads][: options.heads]
    tails = list(product(candidates, repeat=3))
    samples = [to_sample((*head, *tail)) for head, tail in product(heads, tails)]
    some = samples[:: len(samples) // 3][:3]
    scorer = PopulationScorer(space.network, val, [], 0)
    steps = [
        lambda: [population.plain(space, one, val) for one in some],
        lambda: scorer.evaluate(samples),
    ]
    done = [_finished(step, options.device) for step in steps]
    plain, fast = map(statistics.median, interleaved(done, options.score_repeats))
    ours, theirs = 1e6 * fast / len(samples) / count, 1e6 * plain / len(some) / count
    print(
        f"scoring {len(samples)} architectures, {count} images at once: {ours:,.1f} us an image, "
        f"the plain reference {theirs:,.1f} us (x{theirs / ours:.2f})\n"
        f"{WHOLE_SPACE:,} architectures on {IMAGES:,} images, extrapolated: "
        f"{ours * WHOLE_SPACE * IMAGES / 60e6:,.1f} min"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--side", type=int, default=32, help="pixels")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--timesteps", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--heads", type=int, default=2, help="1 to 25")
    parser.add_argument("--score-batch", type=int, default=500)
    parser.add_argument("--score-repeats", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    """Print a line for each variant of the step, then the scoring."""
    options = _options()
    device = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(
        f"{SPACE} C={options.channels} T={options.timesteps} {options.side}x{options.side} batch "
        f"{options.batch} on {device}, torch {torch.__version__}"
    )
    train(options)
    score(options)


if __name__ == "__main__":
    main()
