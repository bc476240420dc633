"""Schedules of the learning rate by name. To add one, write a ``SCHEDULES.add`` line."""

from collections.abc import Callable
from dataclasses import dataclass

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from autosnn_nni.registry import Registry

MakeScheduler = Callable[[Optimizer, float, int], LRScheduler]


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes during a training, and its peak if none is given.

    ``make`` takes the optimizer, the peak rate and the number of steps. It makes torch's scheduler,
    which is stepped after every step of the optimizer. Without one the rate stays at its peak.
    """

    peak_rate: float
    make: MakeScheduler | None = None


def cosine(optimizer: Optimizer, peak: float, steps: int) -> LRScheduler:
    """Half a cosine, from the peak to 0 (Loshchilov and Hutter 2017, without restarts)."""
    return CosineAnnealingLR(optimizer, steps)


def one_cycle(optimizer: Optimizer, peak: float, steps: int) -> LRScheduler:
    """From 1/25 of the peak up to it in 30 % of the steps, then down to almost 0.

    This is the 1cycle policy (Smith and Topin 2018) with the values of fast.ai and torch. Adam's
    beta1 goes the other way, as momentum does there: from 0.95 to 0.85 at the peak, and back.
    """
    return OneCycleLR(optimizer, peak, steps)


SCHEDULES: Registry[Schedule] = Registry("schedule")
# Section A.1 of the paper.
SCHEDULES.add("constant", Schedule(1e-3))
SCHEDULES.add("cosine", Schedule(1e-2, cosine))
SCHEDULES.add("one-cycle", Schedule(1e-2, one_cycle))
