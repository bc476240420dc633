"""What lower precision does to spikes: ``python -m tests.benchmarks.precision``.

A network trained on digits in float32 sees the test images again with the factors of convolutions
and fully connected layers rounded: to TF32's 10 bits of mantissa, as a GPU does for itself, and to
bfloat16 by autocast, whose results are rounded too. Then networks are trained in either precision.
"""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autosnn_nni.data import load_dataset, split
from autosnn_nni.scoring.batches import plain_batches
from autosnn_nni.search_spaces import NetworkConfig, SpikingNetwork, from_text, spiking_layers
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.hyperparameters import Training
from tests.benchmarks.compare import FOUND

_DROPPED = 13  # bits of float32's mantissa that TF32 has not


def tf32(x: Tensor) -> Tensor:
    """Rounded to the nearest, ties to even."""
    bits = x.contiguous().view(torch.int32)
    half = (1 << (_DROPPED - 1)) - 1 + ((bits >> _DROPPED) & 1)
    return (((bits + half) >> _DROPPED) << _DROPPED).view(torch.float32)


def _round_factors(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(map(tf32, inputs))


def _spikes(
    network: SpikingNetwork, images: Tensor, context: AbstractContextManager[Any]
) -> tuple[Tensor, Tensor]:
    """Every output of every spiking layer at every timestep, as one row, and the votes."""
    fired: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda module, inputs, output: fired.append(output.flatten()))
        for _, _, layer in spiking_layers(network)
    ]
    with context, torch.no_grad():
        votes = network(images)
    for hook in hooks:
        hook.remove()
    return torch.cat(fired), votes


def _in_tf32(network: SpikingNetwork, images: Tensor) -> tuple[Tensor, Tensor]:
    layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    exact = [layer.weight.data for layer in layers]
    hooks = [layer.register_forward_pre_hook(_round_factors) for layer in layers]
    for layer in layers:
        layer.weight.data = tf32(layer.weight.data)
    found = _spikes(network, images, nullcontext())
    for layer, hook, weights in zip(layers, hooks, exact, strict=True):
        hook.remove()
        layer.weight.data = weights
    return found


def main() -> None:
    """Print a line for each precision, then one for each training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--timesteps", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    data = split(load_dataset("digits"), seed=0)
    config = NetworkConfig(
        "SNN_1", (1, 8, 8), 10, channels=options.channels, timesteps=options.timesteps
    )
    training = Training(epochs=options.epochs, batch_size=32, device="cpu")
    train = partial(train_network, config, from_text(FOUND), data)
    trained = train(training)
    (images, labels), *_ = plain_batches(
        data, data.test, replace(training.scoring, batch_size=len(data.test))
    )
    network = trained.network.eval()
    passes: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {
        "float32": lambda: _spikes(network, images, nullcontext()),
        "TF32": lambda: _in_tf32(network, images),
        "bf16": lambda: _spikes(network, images, torch.autocast("cpu", torch.bfloat16)),
    }
    exact, _ = passes["float32"]()
    for name, run in passes.items():
        spikes, votes = run()
        changed = (spikes != exact).sum().item()
        print(
            f"{name:<8} {changed / len(exact):.1e} of all places fire otherwise, "
            f"{changed / exact.sum().item():.1e} of the spikes; "
            f"{spikes.sum().item() / len(labels):,.1f} spikes per image, "
            f"accuracy {(votes.argmax(1) == labels).double().mean().item():.2%}"
        )
    for seed in range(options.seeds):
        for precision in ("32", "bf16"):
            result = train(replace(training, seed=seed, precision=precision))
            print(
                f"trained in {precision:<4} seed {seed}: accuracy {result.accuracy:.2%}, "
                f"{result.spikes:,.0f} spikes per image",
                flush=True,
            )


if __name__ == "__main__":
    main()
