"""Losses against their equations, number by number."""

import math

import pytest
import torch
import torch.nn.functional as F

from autosnn_nni.training.lightning import SpikingClassifier
from autosnn_nni.training.losses import LOSSES
from tests.search_spaces.fixtures import small_config, small_network

VOTES = torch.tensor([[0.3, 0.0, 0.9], [0.5, 0.1, 0.2]], dtype=torch.float64)
LABELS = torch.tensor([2, 1])
TARGET = F.one_hot(LABELS, 3).double()


def test_mse_is_equation_5() -> None:
    by_hand = sum(
        (float(VOTES[i, j]) - (int(LABELS[i]) == j)) ** 2 for i in range(2) for j in range(3)
    )
    assert LOSSES["mse"].function(VOTES, TARGET).item() == pytest.approx(by_hand / 6)


@pytest.mark.parametrize("name", ["cross-entropy", "tet"])
def test_cross_entropy_takes_a_class_s_spikes_for_its_logit(name: str) -> None:
    def of_one(i: int) -> float:
        spikes = [10 * float(vote) for vote in VOTES[i]]
        return math.log(sum(map(math.exp, spikes))) - spikes[int(LABELS[i])]

    loss = LOSSES[name].function(VOTES, TARGET)
    assert loss.item() == pytest.approx((of_one(0) + of_one(1)) / 2)


@pytest.mark.parametrize("name", LOSSES)
def test_a_student_that_votes_as_its_teacher_learns_nothing(name: str) -> None:
    votes = VOTES.clone().requires_grad_()
    loss = LOSSES[name]
    loss.function(votes, loss.soft_target(VOTES)).backward()
    assert votes.grad is not None
    torch.testing.assert_close(votes.grad, torch.zeros_like(votes))


def test_tet_is_the_mean_over_the_timesteps() -> None:
    network = small_network().train()
    assert network.multi_step
    images = torch.rand(4, *small_config().shape, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 0])
    steps: list[torch.Tensor] = []
    hook = network.fc.register_forward_hook(lambda module, x, votes: steps.extend(votes))
    module = SpikingClassifier(loss="tet")
    module.set_model(network)
    loss = module.training_step((images, labels), 0)["loss"]
    hook.remove()
    by_hand = [F.cross_entropy(10 * votes, labels) for votes in steps]
    torch.testing.assert_close(loss, torch.stack(by_hand).mean())


def test_a_teacher_s_votes_take_the_labels_place() -> None:
    network = small_network().train()
    module = SpikingClassifier()
    module.set_model(network)
    images = torch.rand(4, *small_config().shape, dtype=torch.float64)
    labels = torch.zeros(4, dtype=torch.long)
    teacher = torch.rand(4, small_config().classes, dtype=torch.float64)
    outputs = module.training_step((images, labels, teacher), 0)
    torch.testing.assert_close(outputs["loss"], F.mse_loss(outputs["votes"], teacher))
    assert outputs["correct"] == (outputs["votes"].argmax(1) == 0).sum()
