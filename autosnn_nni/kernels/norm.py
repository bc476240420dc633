"""Batch norm as the kernels do it: ``scale x + shift``, for each timestep and channel."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from autosnn_nni.kernels.library import BatchNorm, Current, Neurons, empty, run, share

#: Mean and variance of a current, each ``[C]``, ``[1, C]``, or ``[T or more, C]``.
Statistics = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Norm:
    """Batch norm of a current ``[T, N, C, ...]``; ``weight`` and ``bias`` are ``[C]``.

    Without ``statistics`` they are the batch's: those of each timestep, or of all together if
    ``pooled``. ``track`` is called with the batch's mean and unbiased variance ``[T, C]``, or
    ``[1, C]`` if ``pooled``.
    """

    weight: Tensor
    bias: Tensor
    eps: float
    statistics: Statistics | None = None
    pooled: bool = False
    track: Callable[[Tensor, Tensor], None] = lambda mean, variance: None

    def together(self, timesteps: int) -> int:
        """How many timesteps share the batch's mean and variance; 0 if these are given."""
        if self.statistics is not None:
            return 0
        return timesteps if self.pooled else 1

    def of_batch(self, neurons: Neurons, current: Current, dtype: torch.dtype) -> Tensor:
        """The constants of a current that is normalised by the batch's statistics; tracks them."""
        timesteps, channels = neurons.timesteps, neurons.channels
        means, squares = empty(2, neurons.samples, timesteps, channels, dtype=dtype)
        share("moments", dtype, neurons.samples, neurons, current, means, squares)
        rows = timesteps // current.together
        mean, variance = empty(2, rows, channels, dtype=dtype)
        moments = current.together, means, squares, mean, variance
        constants = self._constants("batch_constants", neurons, dtype, *moments)
        self.track(mean, variance)
        return constants

    def given(self, statistics: Statistics, neurons: Neurons, dtype: torch.dtype) -> Tensor:
        """The constants of a current that is normalised by these statistics."""
        timesteps, channels = neurons.timesteps, neurons.channels
        mean, variance = (
            one.to(dtype).view(-1, channels)[:timesteps].expand(timesteps, channels).contiguous()
            for one in statistics
        )
        return self._constants("given_constants", neurons, dtype, mean, variance)

    def _constants(
        self, kernel: str, neurons: Neurons, dtype: torch.dtype, *arguments: int | Tensor
    ) -> Tensor:
        weight, bias = (one.to(dtype).contiguous() for one in (self.weight, self.bias))
        norm = BatchNorm(weight.data_ptr(), bias.data_ptr(), self.eps)
        out = empty(4, neurons.timesteps, neurons.channels, dtype=dtype)
        run(kernel, dtype, neurons, norm, *arguments, out)
        return out


def constants(
    norm: Norm | None, neurons: Neurons, dtype: torch.dtype, current: Current | None = None
) -> Tensor:
    """Scale, shift, mean and inverse standard deviation ``[4, T, C]`` of a current.

    ``current`` is needed where its norm has no statistics.
    """
    if norm is None:
        return _identity(neurons.timesteps, neurons.channels, dtype)
    if norm.statistics is not None:
        return norm.given(norm.statistics, neurons, dtype)
    assert current is not None
    return norm.of_batch(neurons, current, dtype)


@cache
def _identity(timesteps: int, channels: int, dtype: torch.dtype) -> Tensor:
    """The constants of a current that is not normalised."""
    values = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=dtype, device="cpu")
    return values[:, None, None].expand(4, timesteps, channels).contiguous()
