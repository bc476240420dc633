import pytest
import torch
from spikingjelly.activation_based import functional, layer
from torch import nn

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import NetworkConfig, SpikeCounter, build_network, describe
from autosnn_nni.search_spaces.build import seeded
from autosnn_nni.search_spaces.firing import fire
from autosnn_nni.search_spaces.layers import ConvBN
from autosnn_nni.search_spaces.neurons import IF
from autosnn_nni.search_spaces.norms import NORMS, KeptBatchNorm2d, keep_statistics
from tests.search_spaces.fixtures import small_config, small_network


def cifar(network: str, timesteps: int = 1, channels: int = 4) -> NetworkConfig:
    return NetworkConfig(
        network, shape=(3, 32, 32), classes=10, channels=channels, timesteps=timesteps
    )


def batch_norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())


def test_batch_norm_stands_behind_every_convolution_by_default() -> None:
    network = small_network("CIFARNet-Fang")
    assert batch_norms(network) == sum(isinstance(one, nn.Conv2d) for one in network.modules())


@pytest.mark.parametrize("timesteps", [1, 3])
def test_batch_norm_through_time_has_a_gamma_for_each_timestep(timesteps: int) -> None:
    config = cifar("VGG9-BNTT", timesteps)
    network = build_network(config, ())
    through = [
        module
        for module in network.modules()
        if isinstance(module, layer.BatchNormThroughTime1d | layer.BatchNormThroughTime2d)
    ]
    assert len(through) == 7  # of the six convolutions behind the stem's, and of the hidden layer
    assert batch_norms(network) == 7 * timesteps + 1
    widths = [4, 8, 8, 16, 16, 16, 64]
    gammas = sum(
        weights.numel() for name, weights in network.named_parameters() if ".bn_list." in name
    )
    assert gammas == timesteps * sum(widths)


def test_a_single_batch_norm_stands_before_the_last_layer() -> None:
    network = build_network(cifar("VGG16-SALT"), ())
    assert batch_norms(network) == 1
    assert isinstance(network.fc.norm, nn.BatchNorm1d)
    assert all(isinstance(unit[1], nn.Identity) for unit in network.modules() if _is_unit(unit))


def _is_unit(module: nn.Module) -> bool:
    return isinstance(module, ConvBN)


def test_vgg16_has_thirteen_convolutions_and_three_full_layers() -> None:
    network = build_network(cifar("VGG16-SALT"), ())
    kinds = [type(module).__mro__ for module in network.modules()]
    assert sum(nn.Conv2d in kind for kind in kinds) == 13
    assert sum(nn.Linear in kind for kind in kinds) == 3


def test_every_layer_without_batch_norm_fires_before_training() -> None:
    with seeded(0):
        config = cifar("VGG16-SALT", timesteps=4)
        network = build_network(config, ())
        with SpikeCounter(network) as counter, torch.no_grad():
            network(torch.randn(8, *config.shape))
    rates = {one.name: one.firing_rate for one in counter.layers()}
    del rates["fc"]  # behind the batch norm, as in other networks
    assert all(0.1 < rate < 0.4 for rate in rates.values()), rates


def test_every_kind_of_batch_norm_has_a_network() -> None:
    networks = ("SNN_1", "VGG9-BNTT", "VGG16-SALT")
    assert {small_config(name).macro.batch_norm for name in networks} == set(NORMS)


@pytest.mark.parametrize("network", ["VGG9-BNTT", "VGG16-SALT"])
def test_they_are_described_as_others_are(network: str) -> None:
    config = cifar(network)
    described = describe(build_network(config, ()), config, ())
    assert [stage.size for stage in described.stages if stage.kind == "pool"][:3] == [16, 8, 4]


class TestKeptStatistics:
    """``batch_norm="kept"``: those of a timestep are not mixed with another's."""

    def test_training_is_that_of_the_authors_setting(self) -> None:
        kept, plain = (small_network(batch_norm=kind).train() for kind in ("kept", "timestep"))
        for mine, other in zip(kept.parameters(), plain.parameters(), strict=True):
            mine.data.copy_(other)
        images = torch.rand(4, *small_config().shape, dtype=torch.float64)
        outputs = [network(images) for network in (kept, plain)]
        assert torch.equal(*outputs)
        for output in outputs:
            output.square().sum().backward()
        gradients = [
            [weights.grad for weights in network.parameters() if weights.grad is not None]
            for network in (kept, plain)
        ]
        assert all(map(torch.equal, *gradients))

    def test_every_timestep_has_its_own_running_statistics(self) -> None:
        unit = KeptBatchNorm2d(3, 2).double().train()
        steps = [torch.rand(5, 2, 4, 4, dtype=torch.float64) * (t + 1) for t in range(3)]
        for x in steps:
            unit(x)
        for norm, x in zip(unit.timesteps, steps, strict=True):
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
            torch.testing.assert_close(norm.running_mean, 0.1 * mean)
            torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * variance)

    def test_each_timestep_is_normalised_by_its_own_after_a_reset(self) -> None:
        unit = KeptBatchNorm2d(2, 1).eval()
        for norm, mean in zip(unit.timesteps, (1.0, 5.0), strict=True):
            norm.running_mean.fill_(mean)
        x = torch.full((1, 1, 1, 1), 5.0)
        for _ in range(2):
            outputs = [unit(x).item(), unit(x).item()]
            assert outputs == pytest.approx([4.0, 0.0], abs=1e-4)
            functional.reset_net(unit)

    def test_all_batch_norms_but_the_stems_keep_them(self) -> None:
        network = small_network("SNN_3", ("skip",) * 8, batch_norm="kept")
        units = [one for one in network.modules() if isinstance(one, KeptBatchNorm2d)]
        assert units
        assert all(len(unit.timesteps) == 3 for unit in units)
        assert batch_norms(network) == 3 * len(units) + 1

    def test_weights_are_those_of_one_batch_norm(self) -> None:
        kept, plain = (small_network(batch_norm=kind) for kind in ("kept", "timestep"))
        assert [weights.shape for weights in kept.parameters()] == [
            weights.shape for weights in plain.parameters()
        ]

    @pytest.mark.parametrize("affine", [True, False])
    @pytest.mark.parametrize("training", [True, False])
    def test_settings_and_weights_are_those_of_the_block(
        self, affine: bool, training: bool
    ) -> None:
        norm = nn.BatchNorm2d(3, eps=0.1, momentum=0.5, affine=affine).train(training)
        if affine:
            nn.init.constant_(norm.weight, 2.0)
            nn.init.constant_(norm.bias, 0.5)
        stages = nn.Sequential(nn.Sequential(norm))
        keep_statistics(stages, 2)
        x = torch.rand(4, 3, 5, 5)
        torch.testing.assert_close(stages.train(training)(x), norm(x))
        functional.reset_net(stages)
        torch.testing.assert_close(stages[0][0].timesteps[0].running_mean, norm.running_mean)
        assert len(list(stages.parameters())) == len(list(norm.parameters()))

    @pytest.mark.parametrize("training", [True, False])
    def test_the_kernels_do_it_without_weights_too(self, training: bool) -> None:
        norm = KeptBatchNorm2d(2, 3, affine=False).train(training)
        neuron = IF()
        functional.set_step_mode(neuron, "m")
        functional.set_step_mode(norm, "m")
        x = torch.rand(2, 4, 3, 5, 5, requires_grad=True) * 4
        fused = fire(neuron, (x, norm))
        functional.reset_net(neuron)
        assert torch.equal(fused, neuron(norm(x)))
        assert fused.any()

    def test_a_batch_norm_under_two_names_stays_one(self) -> None:
        stages = nn.ModuleDict({"one": nn.BatchNorm2d(2)})
        stages["other"] = stages["one"]
        keep_statistics(stages, 2)
        assert stages["one"] is stages["other"]

    def test_another_batch_norm_in_a_space_is_refused(self) -> None:
        with pytest.raises(
            UserError, match="the space can't have kept batch norm: its BatchNorm1d"
        ):
            keep_statistics(nn.Sequential(nn.BatchNorm1d(2)), 2)
