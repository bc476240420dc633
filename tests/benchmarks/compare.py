"""The package against the plain reference, interleaved: ``python -m tests.benchmarks.compare``.

Training: forward, MSE, backward, Adam step. Scoring one architecture: accuracy and spikes, the
package's copy of the network counted in. Beside both stand the bare dense convolutions of the same
step, by torch. Peak memory is that of a process for each variant.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.search_spaces import (
    NetworkConfig,
    SpikeCounter,
    SpikingNetwork,
    build_network,
    fold_batch_norm,
    from_text,
)
from tests import reference

SPACE, SHAPE, CLASSES, CHANNELS, TIMESTEPS = "SNN_1", (3, 32, 32), 10, 16, 8
FOUND = "SRB_k5,SRB_k5,skip,SRB_k3,SRB_k5"
TASKS = ("train", "score")
VARIANTS = ("reference", "fast")
#: A convolution's weights, input and gradient, and how often a step runs it.
Dense = tuple[Tensor, Tensor, Tensor, int]
Step = Callable[[], object]


class Workload:
    """One network with the activity of a trained one, and a batch."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(0)
        self.blocks = from_text(options.blocks)
        config = NetworkConfig(SPACE, SHAPE, CLASSES, CHANNELS, TIMESTEPS)
        self.network = build_network(config, self.blocks)
        self.images = torch.randn(options.batch, *SHAPE)
        self.labels = torch.randint(0, CLASSES, (options.batch,))
        self.spikes = excite(self.network, self.images[:16], options.spikes)

    def step(self, task: str, variant: str, chunk: int) -> Step:
        """What is timed."""
        if task == "train":
            return self._train_fast() if variant == "fast" else self._train_plain()
        if variant == "fast":
            return lambda: self.score_fast(chunk)
        weights = plain_weights(self.network)
        return lambda: self.score_plain(weights)

    def _train_fast(self) -> Step:
        optimizer = torch.optim.Adam(self.network.parameters())

        def step() -> None:
            self.network.train()
            loss = F.mse_loss(self.network(self.images), self._target())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return step

    def _train_plain(self) -> Step:
        weights = plain_weights(self.network)
        optimizer = torch.optim.Adam(one for one in weights.values() if one.requires_grad)

        def step() -> None:
            net = reference.Plain(weights, training=True, count=False)
            outputs = reference.forward(net, SPACE, self.blocks, self.images, TIMESTEPS)
            loss = F.mse_loss(outputs, self._target())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return step

    def dense(self, task: str) -> Step:
        """The bare dense convolutions of a step."""
        layers: list[tuple[nn.Conv2d, Dense]] = []

        def note(conv: nn.Conv2d, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            x, like = (one if one.dim() == 4 else one[0] for one in (inputs[0].clone(), output))
            gradient = torch.randn_like(like)
            layers.append(
                (conv, (conv.weight, x, gradient, 1 if inputs[0].dim() == 4 else TIMESTEPS))
            )

        convs = [one for one in self.network.modules() if isinstance(one, nn.Conv2d)]
        hooks = [conv.register_forward_hook(note) for conv in convs]
        with torch.no_grad():
            self.network(self.images)
        for hook in hooks:
            hook.remove()
        return lambda: self._convolve(layers, backward=task == "train")

    @torch.no_grad()
    def _convolve(self, layers: list[tuple[nn.Conv2d, Dense]], *, backward: bool) -> None:
        for conv, (weight, x, gradient, times) in layers:
            shape = (conv.stride, conv.padding, conv.dilation)
            for _ in range(times):
                F.conv2d(x, weight, None, *shape, conv.groups)
                if backward:
                    torch.ops.aten.convolution_backward(
                        *(gradient, x, weight, None, *shape, False, [0, 0], conv.groups),
                        [times > 1, True, False],
                    )

    def _target(self) -> Tensor:
        return F.one_hot(self.labels, CLASSES).float()

    @torch.inference_mode()
    def score_fast(self, chunk: int) -> tuple[float, float]:
        """Accuracy and spikes per image."""
        folded = fold_batch_norm(self.network)
        with SpikeCounter(folded) as counter:
            votes = torch.cat([folded(part) for part in self.images.split(chunk)])
        return (votes.argmax(1) == self.labels).float().mean().item(), counter.spikes

    @torch.no_grad()
    def score_plain(self, weights: dict[str, Tensor]) -> tuple[float, float]:
        """The same, read layer by layer."""
        net = reference.Plain(weights)
        votes = reference.forward(net, SPACE, self.blocks, self.images, TIMESTEPS)
        accuracy = (votes.argmax(1) == self.labels).float().mean().item()
        return accuracy, sum(net.spikes.values()) / len(self.images)


def plain_weights(network: SpikingNetwork) -> dict[str, Tensor]:
    """The reference's copy of a network's weights."""
    trained = dict(network.named_parameters())
    return {
        name: tensor.detach()
        .clone(memory_format=torch.contiguous_format)
        .requires_grad_(name in trained)
        for name, tensor in network.state_dict().items()
    }


def excite(
    network: SpikingNetwork,
    images: Tensor,
    target: float,
    measure: Callable[[SpikeCounter], float] = lambda counter: counter.spikes,
) -> float:
    """Bias batch norm until ``measure``, spikes per image, is ``target``; gives what it is then."""
    low, high = -3.0, 3.0
    nn.init.normal_(network.fc.linear.weight, std=0.2)
    for _ in range(10):
        bias = (low + high) / 2
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.bias, bias)
        update_bn([images], network)
        with SpikeCounter(network.eval()) as counter, torch.no_grad():
            network(images)
        low, high = (bias, high) if measure(counter) < target else (low, bias)
    return measure(counter)


def interleaved(steps: list[Step], repeats: int) -> list[list[float]]:
    """Seconds of every step in every round, the order turned each round; two rounds of warm-up."""
    seconds: list[list[float]] = [[] for _ in steps]
    for turn in range(repeats + 2):
        order = range(len(steps)) if turn % 2 else reversed(range(len(steps)))
        for number in order:
            start = time.perf_counter()
            steps[number]()
            if turn >= 2:
                seconds[number].append(time.perf_counter() - start)
    return seconds


def _compare(
    name: str, plain: list[float], dense: list[float], fast: list[float], memory: str
) -> None:
    ratios = [before / after for before, after in zip(plain, fast, strict=True)]
    first, middle, third = statistics.quantiles(ratios, n=4)
    share = statistics.median(mine / theirs for mine, theirs in zip(fast, dense, strict=True))
    print(
        f"{name:<18} reference {statistics.median(plain):6.3f} s   "
        f"fast {statistics.median(fast):6.3f} s   "
        f"x{middle:.2f} (quartiles {first:.2f} to {third:.2f})   "
        f"{share:.2f} of the bare dense convolutions, {statistics.median(dense):.3f} s   {memory}"
    )


def _peak_memory(task: str, variant: str) -> int:
    """MiB of a fresh process that takes three steps, as the kernel saw them."""
    command = [sys.executable, "-m", "tests.benchmarks.compare", *sys.argv[1:]]
    done = subprocess.run([*command, "--peak", task, variant], capture_output=True, check=True)
    return int(done.stdout.split()[-1])


def _peak(workload: Workload, task: str, variant: str, chunk: int) -> None:
    for step in [workload.step(task, variant, chunk)] * 3:
        step()
    # Not ru_maxrss: a child begins with its parent's.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", default=FOUND)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--chunks", type=int, nargs="+", default=[96], help="images per forward")
    parser.add_argument("--spikes", type=float, default=70_000, help="per image, to aim at")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--threads", type=int, help="one is the fairest on a busy machine")
    parser.add_argument("--keep-memory", action="store_true", help="as the product does")
    parser.add_argument("--no-memory", action="store_true", help="skip the peak memory runs")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Print one line for each comparison."""
    options = _options()
    if options.keep_memory:
        keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    workload = Workload(options)
    if options.peak:
        _peak(workload, *options.peak, options.chunks[0])
        return
    print(
        f"{SPACE} C={CHANNELS} T={TIMESTEPS} {options.blocks} batch {options.batch}, "
        f"{workload.spikes:.0f} spikes per image, {torch.get_num_threads()} threads, "
        f"freed memory {'kept' if options.keep_memory else 'given back'}"
    )
    print("result (accuracy, spikes):", "reference", end=" ")
    print(workload.score_plain(plain_weights(workload.network)), end=" fast ")
    print(workload.score_fast(options.chunks[0]))
    for task in [task for task in ("score", "train") if task in options.tasks]:
        chunks = options.chunks if task == "score" else [options.batch]
        plain = workload.step(task, "reference", options.batch)
        fast = [workload.step(task, "fast", chunk) for chunk in chunks]
        seconds = interleaved([plain, workload.dense(task), *fast], options.repeats)
        memory = ""
        if not options.no_memory:
            peaks = [_peak_memory(task, variant) for variant in VARIANTS]
            memory = "peak memory {} and {} MiB".format(*peaks)
        for chunk, measured in zip(chunks, seconds[2:], strict=True):
            name = f"score, {chunk} at once" if task == "score" else "train"
            _compare(name, *seconds[:2], measured, memory)


if __name__ == "__main__":
    main()
