"""Layer by layer, as on a GPU, networks are what they are timestep by timestep.

The kernels, which run layer by layer too, are switched off here; for them see ``test_network``.
"""

import copy
from collections import Counter
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import base, layer, neuron
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from autosnn_nni.search_spaces import (
    BLOCKS,
    SpikeCounter,
    SpikingNetwork,
    build_network,
    fold_batch_norm,
)
from autosnn_nni.search_spaces import network as networks
from tests import reference
from tests.search_spaces.fixtures import (
    FORWARD_CELL,
    FOUND,
    blocks_for,
    images,
    small_config,
    small_network,
)
from tests.search_spaces.test_network import assert_equals_reference

MACROS = [name for name in reference.MACROS if name not in ("VGG9-BNTT", "SNASNet-Bw")]
NETWORKS = [*((macro, "PLIF") for macro in MACROS), *(("SNN_1", kind) for kind in ("LIF", "IF"))]


@pytest.fixture(autouse=True)
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSNN_KERNELS", "0")


@pytest.fixture
def layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU too, and on tensors without values."""
    monkeypatch.setattr(networks, "MULTI_STEP_DEVICES", ("cuda", "cpu", "meta"))


@pytest.mark.usefixtures("layer_by_layer")
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("macro", "kind"), NETWORKS)
def test_a_network_equals_the_plain_reference(macro: str, kind: str, training: bool) -> None:
    config = small_config(macro, neuron=kind)
    network = small_network(macro, neuron=kind).train(training)
    assert network.multi_step
    x = images(shape=config.shape)
    assert_equals_reference(network, macro, kind, blocks_for(macro), x)


@pytest.mark.usefixtures("layer_by_layer")
@pytest.mark.parametrize("macro", ["SNN_1", "SCNN-He"])
def test_event_frames_equal_the_plain_reference(macro: str) -> None:
    shape = small_config(macro).shape
    network = small_network(macro, shape=shape).train()
    frames = images(6, shape).abs().unflatten(0, (2, 3))
    assert_equals_reference(network, macro, "PLIF", blocks_for(macro), frames)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_what_it_is_timestep_by_timestep(
    block: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepwise = small_network("SNN_3", (block,) * 8).train()  # every stride and change of channels
    together = copy.deepcopy(stepwise)
    monkeypatch.setattr(networks, "MULTI_STEP_DEVICES", ("cpu",))
    together.to("cpu")
    assert (stepwise.multi_step, together.multi_step) == (False, True)
    with SpikeCounter(stepwise) as expected, SpikeCounter(together) as counted:
        outputs, votes = stepwise(images()), together(images())
    torch.testing.assert_close(votes, outputs, rtol=1e-12, atol=1e-12)
    assert counted.layers() == expected.layers()
    outputs.square().sum().backward()
    votes.square().sum().backward()
    for one, other in zip(together.parameters(), stepwise.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-8, atol=1e-12)
    torch.testing.assert_close(
        dict(together.named_buffers()), dict(stepwise.named_buffers()), rtol=1e-12, atol=1e-12
    )
    folded = fold_batch_norm(together)
    assert folded.multi_step
    torch.testing.assert_close(folded(images()), stepwise.eval()(images()), rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("layer_by_layer")
def test_a_forward_never_waits_for_the_device() -> None:
    """A meta tensor has no values: whatever read one on the host would raise."""
    network = small_network("SNN_1").to("meta")
    assert network.multi_step
    for module in network.stages.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # as when statistics are computed anew
    with SpikeCounter(network):
        network(images().double().to("meta")).sum().backward()


class Calls(TorchDispatchMode):
    """Counts ATen's calls, and notes what convolutions are given."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = Counter[str]()
        self.convolved: list[Tensor] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.counts[str(function)] += 1
        if function is torch.ops.aten.convolution.default:
            self.convolved += args[:2]
        return function(*args, **(kwargs or {}))


def calls_on_a_gpu(network: SpikingNetwork, x: Tensor) -> Calls:
    """Without one: fake tensors know their shape, type and layout, and which kernels would run."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        network.to("cuda")
        x = x.to("cuda")
        with Calls() as calls:
            network(x)
    return calls


def test_on_a_gpu_a_layer_is_a_kernel_for_all_timesteps() -> None:
    network = build_network(small_config(timesteps=8), FOUND)
    assert not network.multi_step
    calls = calls_on_a_gpu(network, torch.randn(4, 3, 16, 16))
    assert network.multi_step
    layers = Counter(
        kind
        for module in network.modules()
        for kind in (nn.Conv2d, nn.BatchNorm2d, neuron.ParametricLIFNode)
        if isinstance(module, kind)
    )
    assert calls.counts["aten.convolution.default"] == layers[nn.Conv2d]
    assert calls.counts["aten.cudnn_batch_norm.default"] == layers[nn.BatchNorm2d]
    assert calls.counts["sj_plif.forward.default"] == layers[neuron.ParametricLIFNode]
    assert all(
        tensor.is_contiguous(memory_format=torch.channels_last) for tensor in calls.convolved
    )


class OneTimestep(nn.Module):
    """A user's block in plain torch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class AnyTimesteps(nn.Module, base.StepModule):
    """A user's block that says it takes all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.step_mode = "s"
        self.conv = layer.Conv2d(4, 4, 3, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Gated(nn.Sequential):
    """A user's own forward; its channels are those of a single timestep."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(x)
        return y * (y.mean(1, keepdim=True) > 0.3)


@pytest.mark.usefixtures("layer_by_layer")
@pytest.mark.parametrize(
    ("block", "multi_step"),
    [
        (OneTimestep(), False),
        (nn.Sequential(layer.BatchNorm2d(4)), False),  # it would pool its statistics
        (AnyTimesteps(), True),
        (nn.Sequential(layer.Conv2d(4, 4, 1)), True),
        (Gated(layer.Conv2d(4, 4, 1)), False),
    ],
)
def test_a_users_block_decides_whether_its_network_can(block: nn.Module, multi_step: bool) -> None:
    network = small_network()
    network.stages["tbd1"] = block.double()
    assert network.to("cpu").multi_step == multi_step
    assert network(images()).shape == (3, 3)


@pytest.mark.usefixtures("layer_by_layer")
@pytest.mark.parametrize(
    ("macro", "blocks", "multi_step"),
    [
        ("VGG9-BNTT", (), False),
        ("SNASNet-Bw", blocks_for("SNASNet-Bw"), False),
        ("SNASNet-Bw", FORWARD_CELL, True),
    ],
)
def test_layers_through_time_stay_timestep_by_timestep(
    macro: str, blocks: tuple[str, ...], multi_step: bool
) -> None:
    network = small_network(macro, blocks).train()
    assert network.multi_step == multi_step
    assert_equals_reference(network, macro, "PLIF", blocks, images(shape=small_config(macro).shape))
