"""Networks with weights of few bits."""

import copy
import math

import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import SpikingNetwork, fold_batch_norm


def quantised(network: SpikingNetwork, bits: int) -> SpikingNetwork:
    """A copy of a calibrated network whose weights have so many ``bits``, batch norm folded.

    A layer's weights are whole numbers times its step, the smallest power of two with which the
    largest of them fits into ``bits``. Its biases are whole numbers of steps too. The threshold, 1,
    is a whole number of steps, so IF neurons can be computed with whole numbers, to the same
    spikes. Raises :class:`UserError` for other numbers of bits than 2 to 16, for weights too large
    to fit, and for batch norm that can't be folded.
    """
    if not 2 <= bits <= 16:
        raise UserError(f"--bits must be from 2 to 16, not {bits}")
    single_step = copy.deepcopy(network).double()
    functional.set_step_mode(single_step, "s")  # in which all batch norm can be folded
    folded = fold_batch_norm(single_step)
    for path, layer in folded.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _round(path, layer, bits)
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
            raise UserError(
                f"{path}: batch norm that can't be folded has no bits; leave out --bits"
            )
    made: SpikingNetwork = folded.to(network.fc.linear.weight.dtype).eval()
    return made


@torch.no_grad()
def _round(path: str, layer: nn.Conv2d | nn.Linear, bits: int) -> None:
    largest = 2 ** (bits - 1) - 1
    size = float(layer.weight.abs().max())
    if size > largest:
        raise UserError(f"{path} has a weight of {size:.3g}, which does not fit into {bits} bits")
    step = 2.0 ** -math.floor(math.log2(largest / size)) if size else 1.0
    layer.weight = nn.Parameter(_to_steps(layer.weight, step))
    if layer.bias is not None:
        layer.bias = nn.Parameter(_to_steps(layer.bias, step))


def _to_steps(values: Tensor, step: float) -> Tensor:
    return (values / step).round() * step
