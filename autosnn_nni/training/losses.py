"""Losses by name. To add one, write a ``LOSSES.add`` line."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces import VOTERS


def votes_themselves(votes: Tensor) -> Tensor:
    """Return a teacher's votes as the target."""
    return votes


@dataclass(frozen=True)
class Loss:
    """A ``function`` of votes and target, both ``[N, classes]``, the target one-hot or soft.

    ``soft_target`` turns a teacher's votes into a target. Votes are means over time; a loss
    ``at_every_timestep`` is computed from the votes of every timestep and averaged.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    soft_target: Callable[[Tensor], Tensor] = votes_themselves
    at_every_timestep: bool = False


def cross_entropy(votes: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy; the logit of a class is ten times its votes.

    With the paper's ten neurons for each class it is the number of those that fired.
    """
    return F.cross_entropy(VOTERS * votes, target)


def probabilities(votes: Tensor) -> Tensor:
    """Convert votes to the probabilities that cross-entropy uses."""
    return torch.softmax(VOTERS * votes, 1)


LOSSES: Registry[Loss] = Registry("loss")
# Eq. 5 of the paper.
LOSSES.add("mse", Loss(F.mse_loss))
LOSSES.add("cross-entropy", Loss(cross_entropy, probabilities))
# Temporal efficient training (Deng et al. 2022, Eq. 9), without its regularisation towards the
# threshold, because votes can't exceed 1.
LOSSES.add("tet", Loss(cross_entropy, probabilities, at_every_timestep=True))
