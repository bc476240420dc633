"""What a macro architecture must hold."""

from random import Random

import torch

from autosnn_nni.search_spaces import (
    MACROS,
    Architecture,
    NetworkConfig,
    SpikingSpace,
    build_network,
    describe,
    labels,
    path_weights,
    seeded,
    subnet,
    to_sample,
)
from autosnn_nni.strategies import Choices
from autosnn_nni.testing.contract import Contract
from autosnn_nni.testing.lively import lively, step
from autosnn_nni.testing.samples import images


class SpaceContract(Contract):
    """Networks and NNI's model space of a macro architecture that is registered in ``MACROS``."""

    def test_a_network_maps_images_to_votes(self, name: str) -> None:
        """One for each class, from 0 to 1, with finite gradients."""
        config = _config(name)
        with seeded(0):
            network = build_network(config, _architecture(config)).double()
        votes = lively(network, images(config))(images(config))
        assert votes.shape == (4, config.classes)
        assert bool(((votes >= 0) & (votes <= 1)).all())
        votes.sum().backward()
        gradients = [one.grad for one in network.parameters() if one.grad is not None]
        assert gradients
        assert all(bool(one.isfinite().all()) for one in gradients)

    def test_nni_sees_every_choice(self, name: str) -> None:
        """A choice for each TBD block, with all candidates."""
        config = _config(name)
        choices = SpikingSpace(**vars(config)).simplify()
        assert sorted(choices) == sorted(labels(config.macro.tbd_blocks))
        assert all(tuple(one.values) == config.candidates for one in choices.values())

    def test_a_path_of_the_supernet_is_the_network(self, name: str) -> None:
        """With the path's weights, a network on its own gives the same votes and gradients."""
        config = _config(name)
        blocks = _architecture(config)
        sample = to_sample(blocks) if blocks else {}
        with seeded(0):
            supernet = SpikingSpace(**vars(config)).network.double()
        lively(supernet, images(config), [sample])
        network = build_network(config, blocks).double()
        network.load_state_dict(path_weights(supernet.state_dict(), sample))
        path = subnet(supernet, sample)
        with torch.no_grad():
            assert torch.equal(network.eval()(images(config)), path.eval()(images(config)))
        steps = [step(one.train(), images(config)) for one in (network, path)]
        torch.testing.assert_close(*steps, rtol=0, atol=0)

    def test_it_is_described(self, name: str) -> None:
        """Parameters, neurons, and a stage for each of its parts."""
        config = _config(name)
        blocks = _architecture(config)
        network = build_network(config, blocks)
        described = describe(network, config, blocks)
        assert described.parameters == sum(one.numel() for one in network.parameters())
        assert described.neurons > 0
        assert {"stem", "fc"} <= {stage.name for stage in described.stages}


def _config(name: str) -> NetworkConfig:
    side = max(16, MACROS[name].least_side)
    return NetworkConfig(name, shape=(2, side, side), classes=3, channels=4, timesteps=2)


def _architecture(config: NetworkConfig) -> Architecture:
    choices = Choices([config.candidates] * config.macro.tbd_blocks)
    return choices.random(Random(1))  # with 0, nothing passes a cell of SNASNet-Bw
