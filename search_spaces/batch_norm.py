"""Batch norm that normalises each timestep separately, also in multi-step mode."""

from abc import ABC, abstractmethod
from functools import cache, partial

import torch
import torch.nn.functional as F
from spikingjelly.activation_based import layer
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from autosnn_nni.kernels.firing import normalise
from autosnn_nni.kernels.library import supported
from autosnn_nni.kernels.norm import Norm


class Deferrable(ABC):
    """Batch norm of ``[T, N, C, ...]`` that the kernels of the neurons behind it can do."""

    @abstractmethod
    def deferred(self) -> Norm:
        """What the kernels need."""


class PerTimestep(Deferrable, _BatchNorm):
    """Batch norm that normalises each timestep separately in training, unless ``pooled``.

    In SpikingJelly's multi-step mode ``[T, N, C, ...]`` is reshaped to ``[N, T C, ...]`` for a
    single call of torch's batch norm. Outputs, gradients and running statistics equal those of
    ``T`` calls.
    """

    pooled = False
    step_mode: str
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``[N, C, ...]`` of one timestep or ``[T, N, C, ...]`` of all timesteps."""
        if self.training and supported(x):
            if self.step_mode == "s":
                return normalise(x.unsqueeze(0), self.deferred()).squeeze(0)
            return normalise(x, self.deferred())
        if self.step_mode == "s" or self.pooled or not self.training:
            y: Tensor = super().forward(x)
            return y
        timesteps, channels = len(x), self.num_features
        # Channels last throughout, so that memory is read in the order in which it is stored.
        folded = x.movedim((0, 2), (-2, -1)).flatten(-2).movedim(-1, 1)
        mean, variance = self.weight.new_zeros(2, timesteps * channels)
        y = F.batch_norm(
            folded,
            mean,
            variance,
            self.weight.repeat(timesteps),
            self.bias.repeat(timesteps),
            training=True,
            momentum=1.0,  # mean and variance become the batch's statistics
            eps=self.eps,
        )
        track(self, mean.view(timesteps, channels), variance.view(timesteps, channels))
        unfolded = y.movedim(1, -1).unflatten(-1, (timesteps, channels))
        return unfolded.movedim(-2, 0).contiguous().movedim(-1, 2)

    def deferred(self) -> Norm:
        """What the kernels need."""
        if self.training:
            update = partial(track, self)
            return Norm(self.weight, self.bias, self.eps, pooled=self.pooled, track=update)
        statistics = self.running_mean, self.running_var
        return Norm(self.weight, self.bias, self.eps, statistics)


def track(norm: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Update the running statistics with those of each timestep ``[T, C]``, in order.

    After ``T`` updates ``r = (1 - m) r + m x`` timestep t has weight ``m (1 - m)^(T - 1 - t)``.
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    timesteps = len(mean)
    norm.num_batches_tracked.add_(timesteps)
    both = ((norm.running_mean, mean), (norm.running_var, variance))
    if norm.momentum is None:  # cumulative average
        weight = timesteps / norm.num_batches_tracked.to(mean.dtype)
        for running, batch in both:
            running.lerp_(batch.mean(0), weight)
        return
    decay = 1 - norm.momentum
    weights = _powers(decay, timesteps, mean.dtype, mean.device)
    for running, batch in both:
        running.addmv_(batch.T, weights, beta=decay**timesteps, alpha=norm.momentum)


@cache
def _powers(base: float, count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Powers of ``base``, from ``count - 1`` to 0."""
    return torch.logspace(count - 1, 0, count, base=base, dtype=dtype, device=device)


class OfOneTimestep(nn.BatchNorm2d):
    """Batch norm of ``[N, C, H, W]``; a layer that has one for every timestep calls it."""


class BatchNorm1d(PerTimestep, layer.BatchNorm1d):
    """Batch norm of ``[N, C]`` or ``[T, N, C]``."""


class BatchNorm2d(PerTimestep, layer.BatchNorm2d):
    """Batch norm of ``[N, C, H, W]`` or ``[T, N, C, H, W]``."""
