import pytest
import torch

from autosnn_nni.search_spaces import StepVotes
from tests.search_spaces.fixtures import small_config, small_network


@pytest.mark.parametrize("batch_norm", ["timestep", "pooled"])
def test_the_votes_of_all_timesteps_have_the_networks_as_their_mean(batch_norm: str) -> None:
    network = small_network(batch_norm=batch_norm).train()
    images = torch.rand(4, *small_config().shape, dtype=torch.float64)
    with StepVotes(network) as steps:
        votes = network(images)
    assert len(steps.votes) == small_config().timesteps
    assert all(one.shape == votes.shape for one in steps.votes)
    torch.testing.assert_close(torch.stack(steps.votes).mean(0), votes)
    assert all(one.requires_grad for one in steps.votes)
