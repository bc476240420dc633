"""SNASNet's training-free score of an architecture (Kim et al. 2022).

The idea is that a network whose untrained neurons distinguish images can be trained well. In a
layer of N neurons at one timestep, the spikes of images i and j differ in ``d_ij`` neurons. At
firing rates r, a share of ``c_ij = r_i (1 - r_j) + (1 - r_i) r_j`` would differ by chance. The
score is ``ln |det K|``, where K is the mean of ``N - d_ij / (2 (c_ij + 0.001))`` over all layers
and timesteps.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Watch, spiking_layers

#: Score of a network that can't distinguish any images, instead of the logarithm of 0.
WORST = -1e9

_EPSILON = 1e-3  # as in the authors' code; avoids 0 / 0 for a layer that never fires


class HammingKernel(Watch):
    """Computes the kernel K of one forward pass from every neuron layer at every timestep."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self._sum: Tensor | None = None
        self._terms = 0

    def _watch(self) -> Iterator[RemovableHandle]:
        for _, kind, module in spiking_layers(self.network):
            if kind == "neuron":
                yield module.register_forward_hook(self._add)

    def _add(self, module: Any, inputs: Any, spikes: Tensor) -> None:
        steps = spikes if module.step_mode == "m" else spikes[None]
        for step in steps:
            kernel = _kernel(step.flatten(1).double())
            self._sum = kernel if self._sum is None else self._sum + kernel
            self._terms += 1

    def score(self) -> float:
        """``ln |det K|``; raises :class:`UserError` for a network without spiking neurons."""
        if self._sum is None:
            raise UserError("SNASNet's score needs spiking neurons; choose another --neuron")
        return max(WORST, float(torch.linalg.slogdet(self._sum / self._terms).logabsdet))


def _kernel(spikes: Tensor) -> Tensor:
    """Kernel ``[N, N]`` between N images, from their spikes ``[N, neurons]`` (0 or 1)."""
    silent = 1 - spikes
    differing = spikes @ silent.T + silent @ spikes.T
    rate = spikes.mean(1)
    chance = torch.outer(rate, 1 - rate) + torch.outer(1 - rate, rate)
    return spikes.shape[1] - differing / (2 * (chance + _EPSILON))
