"""What ``autosnn check-plugin`` tries of the pieces that train a supernet or weigh its answers."""

import itertools
import math
from random import Random

import torch
from torch import Tensor, nn
from torch.optim import SGD

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import SURROGATES, SpikingSpace
from autosnn_nni.strategies import DISCOUNTING, SAMPLINGS, Choices
from autosnn_nni.training.losses import LOSSES
from autosnn_nni.training.schedules import SCHEDULES

_STEPS = 10


def surrogate(name: str) -> str:
    """Its gradient must be that of SpikingJelly's, which a GPU uses."""
    x = torch.linspace(-2, 2, 41, dtype=torch.float64)
    own = SURROGATES[name].backward(x.clone(), torch.ones_like(x))
    asked = x.clone().requires_grad_()
    SURROGATES[name].of_spikingjelly()(asked).sum().backward()
    assert asked.grad is not None
    if not torch.allclose(own, asked.grad, atol=1e-6):
        place = x[(own - asked.grad).abs().argmax()].item()
        raise UserError(f"its gradient is not that of its SpikingJelly module, at {place:g}")
    return f"the gradient is {own[20].item():.3g} at the threshold"


def loss(name: str) -> str:
    """It must be a finite number with a gradient, also for a teacher's votes."""
    votes = torch.rand(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found: list[Tensor] = []
    for target in (torch.eye(3)[[0, 1, 2, 0]], LOSSES[name].soft_target(votes.detach())):
        value = LOSSES[name].function(votes, target)
        (gradient,) = torch.autograd.grad(value, votes)
        if not (value.isfinite() and gradient.isfinite().all()):
            raise UserError("it or its gradient is no finite number")
        found.append(value)
    return f"{found[0].item():.3g} for random votes"


def schedule(name: str) -> str:
    """Its rates must be finite, and not negative."""
    peak = SCHEDULES[name].peak_rate
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=peak)
    make = SCHEDULES[name].make
    scheduler = make(optimizer, peak, _STEPS) if make else None
    rates = []
    for _ in range(_STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    if not all(math.isfinite(rate) and rate >= 0 for rate in rates):
        raise UserError(f"a rate is negative or not finite: {min(rates):g}")
    return f"from {rates[0]:g} over {max(rates):g} to {rates[-1]:g}"


def sampling(name: str) -> str:
    """Its paths must be architectures of the space."""
    space = SpikingSpace(
        "SNN_1", shape=(1, 8, 8), classes=3, channels=2, timesteps=2, candidates=("skip", "SCB_k3")
    )
    every, sampled = set(itertools.product(*Choices.of(space))), SAMPLINGS[name](space)
    for path in itertools.islice(sampled.paths(Random(0)), 3 * sampled.per_step):
        if path not in every:
            raise UserError(f"its path {path} is no architecture of the space")
    return f"{sampled.per_step} paths in a step" if sampled.per_step > 1 else "a path in a step"


def discounting(name: str) -> str:
    """A higher cost must not be better."""
    low, high = (DISCOUNTING[name](0.9, cost, -0.08) for cost in (0.5, 2.0))
    if not (math.isfinite(low) and math.isfinite(high) and high <= low):
        raise UserError(f"with four times the cost the fitness goes from {low:g} to {high:g}")
    return f"{low:.3g} at half of the average cost, {high:.3g} at twice"
