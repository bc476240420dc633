"""Batch norm with the statistics of every timestep, also where all timesteps come at once."""

import torch
import torch.nn.functional as F
from spikingjelly.activation_based import layer
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm


class PerTimestep(_BatchNorm):
    """In training every timestep is normalised by itself, unless ``pooled`` over all of them.

    In SpikingJelly's multi-step mode ``[T, N, C, ...]`` goes through one call of torch's batch norm
    as ``[N, T C, ...]``: outputs, gradients and running statistics equal those of ``T`` calls.
    """

    pooled = False
    step_mode: str
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Like ``x``: ``[N, C, ...]`` of one timestep, or ``[T, N, C, ...]`` of all."""
        if self.step_mode == "s" or self.pooled or not self.training:
            y: Tensor = super().forward(x)
            return y
        timesteps, channels = len(x), self.num_features
        # Channels last throughout, so that what is copied and normalised is read as it lies there.
        folded = x.movedim((0, 2), (-2, -1)).flatten(-2).movedim(-1, 1)
        mean, variance = self.weight.new_zeros(2, timesteps * channels)
        y = F.batch_norm(
            folded,
            mean,
            variance,
            self.weight.repeat(timesteps),
            self.bias.repeat(timesteps),
            training=True,
            momentum=1.0,  # what is left in them are the batch's statistics
            eps=self.eps,
        )
        self._track(mean.view(timesteps, channels), variance.view(timesteps, channels))
        unfolded = y.movedim(1, -1).unflatten(-1, (timesteps, channels))
        return unfolded.movedim(-2, 0).contiguous().movedim(-1, 2)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        """Update the running statistics with those of timesteps ``[T, C]`` one after another.

        ``T`` updates ``r = (1 - m) r + m x`` leave ``m (1 - m)^(T - 1 - t)`` of timestep t.
        """
        timesteps = len(mean)
        self.num_batches_tracked.add_(timesteps)
        both = ((self.running_mean, mean), (self.running_var, variance))
        if self.momentum is None:  # the mean of all there were
            share = timesteps / self.num_batches_tracked.to(mean.dtype)
            for running, found in both:
                running.lerp_(found.mean(0), share)
            return
        kept = 1 - self.momentum
        later = torch.logspace(
            timesteps - 1, 0, timesteps, base=kept, dtype=mean.dtype, device=mean.device
        )
        for running, found in both:
            running.addmv_(found.T, later, beta=kept**timesteps, alpha=self.momentum)


class BatchNorm1d(PerTimestep, layer.BatchNorm1d):
    """Of ``[N, C]``, or ``[T, N, C]``."""


class BatchNorm2d(PerTimestep, layer.BatchNorm2d):
    """Of ``[N, C, H, W]``, or ``[T, N, C, H, W]``."""
