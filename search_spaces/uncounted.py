"""Weights of a plugin's block whose operations nobody counts.

Operations are counted at the calls of convolutions and fully connected layers. A weight that a
block multiplies itself, as ``F.conv2d(x, self.weight)`` does, is in no such call.
"""

import torch
from spikingjelly.activation_based import functional
from torch import nn

from autosnn_nni.search_spaces.blocks import BlockFactory
from autosnn_nni.search_spaces.neurons import NEURONS
from autosnn_nni.search_spaces.operations import COUNTED
from autosnn_nni.search_spaces.probe import Site


def uncounted(factory: BlockFactory, site: Site) -> tuple[str, ...]:
    """The names of weights with two axes or more that belong to no layer that is counted."""
    with torch.random.fork_rng(), torch.no_grad():
        made = factory(site.in_channels, site.out_channels, site.stride, NEURONS["PLIF"])
        called = _called(made.eval(), site)
    return tuple(
        name
        for name, weight in made.named_parameters()
        if sum(side > 1 for side in weight.shape) > 1 and not called & set(_owners(name))
    )


def _called(block: nn.Module, site: Site) -> set[str]:
    """The names of the counted layers that are called."""
    called: set[str] = set()
    for name, layer in block.named_modules():
        if isinstance(layer, COUNTED):
            layer.register_forward_pre_hook(lambda *_, name=name: called.add(name))
    functional.set_step_mode(block, "s")
    block(site.spikes()[0])
    return called


def _owners(weight: str) -> list[str]:
    """The names of all modules that hold a weight: a parametrised one is deep in its layer."""
    parts = weight.split(".")
    return [".".join(parts[:count]) for count in range(len(parts))]
