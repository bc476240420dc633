"""What a candidate block must hold."""

import copy
from typing import ClassVar

import pytest
import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from autosnn_nni.kernels.library import SWITCH
from autosnn_nni.scoring.evaluation import score
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.search_spaces import (
    BLOCKS,
    NEURONS,
    NetworkConfig,
    SpikingNetwork,
    SpikingSpace,
    build_network,
    seeded,
    subnet,
    to_sample,
)
from autosnn_nni.search_spaces.probe import SITES, Site, probe
from autosnn_nni.testing.contract import Contract
from autosnn_nni.testing.lively import enliven, lively, step
from autosnn_nni.testing.samples import images

every_site = pytest.mark.parametrize(
    "site", SITES, ids=lambda one: f"{one.in_channels}-{one.out_channels}-stride{one.stride}"
)


class BlockContract(Contract):
    """Shapes, spikes, training and scoring of a block that is registered in ``BLOCKS``.

    The block is tried in ``space``, which must have two TBD blocks or more.
    """

    space: ClassVar[str] = "SNN_1"

    @every_site
    def test_it_is_accepted(self, name: str, site: Site) -> None:
        """Its input stays as it is, its state ends with a reset, its random numbers are torch's."""
        probe(name, BLOCKS[name], "PLIF", site)

    @every_site
    def test_it_sends_spikes(self, name: str, site: Site) -> None:
        """Of the shape that is asked for; odd sizes are halved upwards."""
        with seeded(0):
            block = BLOCKS[name](site.in_channels, site.out_channels, site.stride, NEURONS["PLIF"])
        outputs = _run(enliven(block).eval(), site.spikes())
        assert all(tuple(one.shape[1:]) == site.output for one in outputs)
        assert set(torch.stack(outputs).unique().tolist()) <= {0.0, 1.0}

    @every_site
    def test_all_its_weights_are_trained(self, name: str, site: Site) -> None:
        """With finite gradients, also of its input."""
        with seeded(0):
            block = BLOCKS[name](site.in_channels, site.out_channels, site.stride, NEURONS["PLIF"])
        inputs = [one.requires_grad_() for one in site.spikes()]
        torch.stack(_run(block.train(), [one * 1 for one in inputs])).sum().backward()
        gradients = [one.grad for one in (*inputs, *block.parameters())]
        assert all(one is not None and bool(one.isfinite().all()) for one in gradients)

    def test_the_kernels_change_nothing(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A network with it gives the same votes with the package's kernels and without them."""
        config = _config(self.space, name)
        network = _network(config, name).eval()
        votes = []
        for kernels in ("1", "0"):
            monkeypatch.setenv(SWITCH, kernels)
            with torch.no_grad():
                votes.append(_as_switched(network)(images(config)))
        torch.testing.assert_close(votes[0], votes[1], rtol=1e-9, atol=1e-9)

    def test_the_kernels_train_it_alike(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Votes, gradients and statistics of a training step are the same, unless it is random."""
        if any(probe(name, BLOCKS[name], "PLIF", site).is_random for site in SITES):
            pytest.skip("it is random in training")
        config = _config(self.space, name)
        network = _network(config, name).train()
        steps = []
        for kernels in ("1", "0"):
            monkeypatch.setenv(SWITCH, kernels)
            steps.append(step(_as_switched(network), images(config)))
        torch.testing.assert_close(steps[0], steps[1], rtol=1e-8, atol=1e-9)

    def test_a_supernet_scores_it_as_if_alone(self, name: str) -> None:
        """Architectures that share their first blocks are scored together, with equal results."""
        config = _config(self.space, name)
        with seeded(0):
            space = SpikingSpace(**vars(config)).double()
        places, candidates = config.macro.tbd_blocks, config.candidates
        last = places - 1
        samples = [
            to_sample((*(candidates[-1],) * last, candidates[0])),
            to_sample((candidates[-1],) * places),
            to_sample((*(candidates[0],) * last, candidates[-1])),
        ]
        batch = images(config), torch.arange(4) % config.classes
        lively(space.network, batch[0], samples)
        together = PopulationScorer(space.network, [batch], [batch], 1 << 24).evaluate(samples)
        for sample, shared in zip(samples, together, strict=True):
            assert shared == score(subnet(space.network, sample), [batch], [batch])


def _run(block: nn.Module, spikes: list[Tensor]) -> list[Tensor]:
    functional.set_step_mode(block, "s")
    outputs = [block(one) for one in spikes]
    functional.reset_net(block)
    return outputs


def _network(config: NetworkConfig, name: str) -> SpikingNetwork:
    """In float64, with the block in every place."""
    with seeded(0):
        network = build_network(config, (name,) * config.macro.tbd_blocks).double()
    return lively(network, images(config))


def _as_switched(network: SpikingNetwork) -> SpikingNetwork:
    """A copy that uses the kernels if they are on now."""
    return copy.deepcopy(network).to("cpu")


def _config(space: str, name: str) -> NetworkConfig:
    candidates = tuple(dict.fromkeys(("skip", name)))
    return NetworkConfig(
        space, shape=(2, 16, 16), classes=3, channels=4, timesteps=3, candidates=candidates
    )
