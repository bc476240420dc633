"""Batch norm as the kernels do it: ``scale x + shift``, for each timestep and channel."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

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

    def constants(self, statistics: Statistics, timesteps: int) -> Tensor:
        """Scale, shift, mean and inverse standard deviation ``[4, T, C]`` in float64."""
        channels = len(self.weight)
        mean, variance = (
            one.double().view(-1, channels)[:timesteps].expand(timesteps, channels)
            for one in statistics
        )
        inverse = (variance + self.eps).rsqrt()
        scale = self.weight.detach() * inverse
        return torch.stack([scale, self.bias.detach() - mean * scale, mean, inverse])


def identity(timesteps: int, channels: int) -> Tensor:
    """The constants ``[4, T, C]`` of a current that is not normalised."""
    values = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    return values[:, None, None].expand(4, timesteps, channels)
