"""Surrogate gradients by name: what stands for the derivative of a spike, which is 0 or infinite.

Training alone uses them. The kernels have those of ``SURROGATES`` in their list under the same
names; others can be added, and are then done by torch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from spikingjelly.activation_based import surrogate
from torch import Tensor, nn

from autosnn_nni.registry import Registry


@dataclass(frozen=True)
class Surrogate:
    """A derivative of the spike by the potential above the threshold, ``x = h - 1``.

    ``backward`` maps ``x`` and the spike's gradient to that of ``h``, and may overwrite ``x``.
    ``of_spikingjelly`` makes the same for SpikingJelly's neurons, which run on a GPU.
    """

    backward: Callable[[Tensor, Tensor], Tensor]
    of_spikingjelly: Callable[[], nn.Module]


def _atan(x: Tensor, gradient: Tensor) -> Tensor:
    square = torch.addcmul(x.new_ones(()), x, x, value=math.pi**2)
    return torch.div(gradient, square, out=x)


def _triangle(x: Tensor, gradient: Tensor) -> Tensor:
    return x.abs_().neg_().add_(1).clamp_(min=0).mul_(gradient)


SURROGATES: Registry[Surrogate] = Registry("surrogate")
# The paper's: 1 / (1 + (pi x)^2).
SURROGATES.add("atan", Surrogate(_atan, surrogate.ATan))
# max(0, 1 - |x|), as in Esser et al. 2016 and Bellec et al. 2018.
SURROGATES.add("triangle", Surrogate(_triangle, surrogate.PiecewiseQuadratic))
