import copy
from collections import Counter
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import weight_norm

from autosnn_nni.kernels.library import SWITCH
from autosnn_nni.search_spaces import (
    BLOCKS,
    MACROS,
    NEURONS,
    SpikeCounter,
    SpikingNetwork,
    build_network,
    fold_batch_norm,
    seeded,
)
from autosnn_nni.search_spaces.batch_norm import BatchNorm2d
from autosnn_nni.search_spaces.config import AVERAGES
from autosnn_nni.search_spaces.network import Timesteps
from autosnn_nni.search_spaces.neurons import PLIF
from tests import reference
from tests.search_spaces.fixtures import (
    BACKWARD_CELL,
    FOUND,
    SPACES,
    Standardised,
    blocks_for,
    images,
    layer_name,
    lively,
    small_config,
    small_network,
    weights_of,
)

LABELS = torch.tensor([0, 2, 1])
#: Networks with neurons behind average pools.
AVERAGING = (
    "SCNN-He",
    "SNN_2",
    "SNN_4",
    "CIFARNet-Wu",
    "ResNet11-Lee",
    "ResNet19-Zheng",
    "ResNet17-Zheng-DVS",
)


@pytest.fixture(autouse=True, params=["kernels", "torch"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with the kernels, and with torch alone."""
    if request.param == "torch":
        monkeypatch.setenv("AUTOSNN_KERNELS", "0")


def assert_equals_reference(
    network: SpikingNetwork,
    space: str,
    kind: str,
    blocks: tuple[str, ...],
    x: Tensor,
    surrogate: str = "atan",
    averages: str = "sum",
) -> dict[str, float]:
    """Outputs, spikes, gradients and running statistics; gives the reference's spikes."""
    variant = reference.Pooled if network.pooled else reference.Plain
    options: Any = {"training": network.training, "surrogate": surrogate, "averages": averages}
    plain = variant(weights_of(network), kind, **options)
    x_fast, x_plain = x.clone().requires_grad_(), x.clone().requires_grad_()

    with SpikeCounter(network) as counter:
        outputs = network(x_fast)
    expected = reference.forward(plain, space, blocks, x_plain, 3)
    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-12)

    counted = {layer.name: layer.spikes * len(x) for layer in counter.layers()}
    assert counted == {layer_name(name): spikes for name, spikes in plain.spikes.items()}
    assert counter.total == sum(plain.spikes.values())

    reference.loss(outputs, LABELS[: len(x)]).backward()
    reference.loss(expected, LABELS[: len(x)]).backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    gradients["images"] = x_fast.grad
    expected_gradients = {
        name: plain.weights[name].grad for name, gradient in gradients.items() if name != "images"
    }
    expected_gradients["images"] = x_plain.grad
    torch.testing.assert_close(gradients, expected_gradients, rtol=1e-8, atol=1e-12)
    assert gradients["stem.conv.0.weight"].abs().sum() > 0

    statistics = {name: value for name, value in network.named_buffers() if "running" in name}
    torch.testing.assert_close(
        statistics, {name: plain.weights[name] for name in statistics}, rtol=1e-12, atol=1e-12
    )
    return plain.spikes


def network_parameters(network: nn.Module) -> list[str]:
    return [name for name, _ in network.named_parameters()]


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("kind", reference.NEURONS)
@pytest.mark.parametrize("macro", [*reference.SPACES, *reference.BY_HAND])
def test_a_network_equals_the_plain_reference(macro: str, kind: str, training: bool) -> None:
    config = small_config(macro, neuron=kind)
    network = small_network(macro, neuron=kind).train(training)
    x = images(shape=config.shape)
    spikes = assert_equals_reference(network, macro, kind, blocks_for(macro), x)
    if kind == "ANN":
        assert not spikes
    elif kind != "LIF" or macro not in ("VGG9-BNTT", "VGG16-SALT"):  # averages before convolutions
        assert all(number > 0 for number in spikes.values())


@pytest.mark.parametrize("kind", reference.NEURONS)
@pytest.mark.parametrize("macro", AVERAGING)
def test_a_network_of_averages_equals_the_plain_reference(macro: str, kind: str) -> None:
    config = small_config(macro, neuron=kind, averages="mean")
    network = small_network(macro, neuron=kind, averages="mean").train()
    x = images(shape=config.shape)
    assert_equals_reference(network, macro, kind, blocks_for(macro), x, averages="mean")


@pytest.mark.parametrize("kind", ["IF", "ANN"])
def test_neurons_without_a_leak_get_averages(kind: str) -> None:
    one, other = (small_network("SNN_4", neuron=kind, averages=name) for name in AVERAGES)
    assert torch.equal(one(images()), other(images()))


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("kind", reference.NEURONS)
def test_a_network_with_a_triangle_equals_the_plain_reference(kind: str, pooled: bool) -> None:
    batch_norm = "pooled" if pooled else "timestep"
    network = small_network(neuron=kind, surrogate="triangle", batch_norm=batch_norm).train()
    assert_equals_reference(network, "SNN_1", kind, FOUND, images(), "triangle")


@pytest.mark.parametrize("kind", ["PLIF", "IF"])  # LIF is silent there
@pytest.mark.parametrize("macro", reference.CELLS)
def test_a_network_of_cells_equals_the_plain_reference(macro: str, kind: str) -> None:
    network = small_network(macro, neuron=kind).train()
    spikes = assert_equals_reference(network, macro, kind, blocks_for(macro), images())
    assert all(number > 0 for number in spikes.values())


def test_backward_connections_bring_the_timestep_before() -> None:
    """Without them every timestep of an ANN-like cell would see the same; T = 1 never sees them."""
    plain = tuple(block if "back_" not in block else "zeroize" for block in BACKWARD_CELL)
    config = small_config("SNASNet-Bw", timesteps=1)
    network = lively(build_network(config, BACKWARD_CELL)).eval()
    without = lively(build_network(config, plain)).eval()
    without.load_state_dict(network.state_dict(), strict=False)
    assert torch.equal(network(images()), without(images()))
    network.timesteps = without.timesteps = Timesteps(3)
    assert not torch.equal(network(images()), without(images()))


@pytest.mark.parametrize("side", [64, 128])
@pytest.mark.parametrize("macro", ["SNN_1", "ResNet17-Zheng-DVS"])
def test_a_deep_stem_equals_the_plain_reference(macro: str, side: int) -> None:
    shape = (2, side, side)
    network = small_network(macro, shape=shape, channels=2).train()
    x = images(2, shape)
    spikes = assert_equals_reference(network, macro, "PLIF", blocks_for(macro), x)
    assert spikes["stages.stem_block1.neuron"] > 0


@pytest.mark.parametrize("kind", reference.NEURONS)
@pytest.mark.parametrize("space", reference.SPACES)
def test_pooled_batch_norm_equals_its_plain_reference(space: str, kind: str) -> None:
    network = small_network(space, neuron=kind, batch_norm="pooled").train()
    assert_equals_reference(network, space, kind, blocks_for(space), images())


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("kind", reference.NEURONS)
@pytest.mark.parametrize("macro", ["SNN_1", "CIFARNet-Fang-DVS4"])
def test_event_frames_equal_the_plain_reference(macro: str, kind: str, pooled: bool) -> None:
    network = small_network(
        macro, neuron=kind, shape=(2, 16, 16), batch_norm="pooled" if pooled else "timestep"
    ).train()
    frames = images(6, (2, 16, 16)).abs().unflatten(0, (2, 3))
    assert_equals_reference(network, macro, kind, blocks_for(macro), frames)


def test_event_frames_that_are_all_alike_are_an_image() -> None:
    network = small_network().eval()
    image = images(2)
    frames = image[:, None].expand(-1, 3, -1, -1, -1)
    assert torch.equal(network(frames), network(image))
    assert not torch.equal(
        network(frames * torch.tensor([1, 0, 0])[:, None, None, None]), network(image)
    )


def test_pooled_statistics_are_not_those_per_timestep() -> None:
    pooled, plain = small_network(batch_norm="pooled").train(), small_network().train()
    assert not torch.equal(pooled(images()), plain(images()))


def test_pooled_changes_nothing_in_eval_mode() -> None:
    pooled, plain = small_network(batch_norm="pooled").eval(), small_network().eval()
    torch.testing.assert_close(pooled(images()), plain(images()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("blocks", [("average_pool",) * 5, ("max_pool", "skip") * 2 + ("skip",)])
def test_pooling_blocks_equal_the_plain_reference_in_a_network(blocks: tuple[str, ...]) -> None:
    assert_equals_reference(small_network(blocks=blocks).train(), "SNN_1", "PLIF", blocks, images())


@pytest.mark.parametrize("kind", NEURONS)
@pytest.mark.parametrize("space", MACROS)
def test_every_macro_and_neuron_runs_forward_and_backward(space: str, kind: str) -> None:
    config = small_config(space, neuron=kind)
    network = small_network(space, neuron=kind).float()
    outputs = network(images(shape=config.shape).float())
    assert outputs.shape == (3, 3)
    reference.loss(outputs, LABELS).backward()
    for name, parameter in network.named_parameters():
        if kind == "ANN" and (".bn_list." in name or space == "SNASNet-Bw"):
            continue  # what is for later timesteps: a network of ReLUs has one alone
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("size", [(9, 9), (13, 10), (28, 28)], ids=str)
def test_odd_image_sizes_work(space: str, block: str, size: tuple[int, int]) -> None:
    config = small_config(space, shape=(1, *size), channels=2, timesteps=1)
    network = build_network(config, (block,) * config.macro.tbd_blocks)
    with torch.no_grad():
        assert network(torch.randn(1, 1, *size)).shape == (1, 3)


def test_votes_are_fractions_of_ten_neurons_and_all_timesteps() -> None:
    outputs = small_network().eval()(images()) * 10 * 3
    torch.testing.assert_close(outputs, outputs.round())
    assert outputs.min() >= 0
    assert outputs.max() <= 30


@pytest.mark.parametrize("space", MACROS)
@pytest.mark.parametrize("kind", NEURONS)
def test_without_gradients_the_step_is_the_same(space: str, kind: str) -> None:
    network = small_network(space, blocks_for(space), neuron=kind).eval()
    x = images(shape=small_config(space).shape)
    with SpikeCounter(network) as with_gradients:
        outputs = network(x)
    with SpikeCounter(network) as without, torch.no_grad():
        assert torch.equal(network(x), outputs)
    with SpikeCounter(network) as inferred, torch.inference_mode():
        assert torch.equal(network(x), outputs)
    assert with_gradients.layers() == without.layers() == inferred.layers()


def potentials(network: nn.Module) -> list[object]:
    return [module.v for module in network.modules() if isinstance(module, neuron.BaseNode)]


@pytest.mark.parametrize("pooled", [False, True])
def test_a_forward_leaves_no_state(pooled: bool) -> None:
    network = small_network(batch_norm="pooled" if pooled else "timestep").eval()
    first = network(images())
    assert potentials(network) == [0.0] * len(potentials(network))
    assert torch.equal(network(images()), first)
    assert torch.equal(network(images(1)), network(images(1)))  # another batch size


def test_a_forward_that_raises_leaves_no_state() -> None:
    network = small_network().eval()
    expected = network(images())
    handle = network.stages["tbd5"].register_forward_hook(_fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        network(images())
    handle.remove()
    assert potentials(network) == [0.0] * len(potentials(network))
    assert torch.equal(network(images()), expected)


def _fail(*_: object) -> None:
    raise RuntimeError("on purpose")


@pytest.mark.parametrize("training", [True, False])
def test_a_network_can_be_copied_after_a_forward(training: bool) -> None:
    network = small_network().train(training)
    network(images()).sum().backward()
    twin = copy.deepcopy(network)
    assert torch.equal(twin(images()), network(images()))
    assert all(a is not b for a, b in zip(twin.parameters(), network.parameters(), strict=True))


def test_images_in_any_memory_layout_give_the_same() -> None:
    network = small_network().eval()
    x = images()
    assert torch.equal(network(x.contiguous(memory_format=torch.channels_last)), network(x))


@pytest.mark.parametrize("kind", NEURONS)
@pytest.mark.parametrize("space", MACROS)
def test_folding_batch_norm_changes_nothing(space: str, kind: str) -> None:
    network = small_network(space, blocks_for(space), neuron=kind).train()
    shape = small_config(space).shape
    network(images(shape=shape, seed=5))  # statistics of a real batch
    network.eval()
    before, x = weights_of(network), images(shape=shape)
    folded = fold_batch_norm(network)
    with SpikeCounter(network) as spikes, SpikeCounter(folded) as folded_spikes:
        torch.testing.assert_close(folded(x), network(x), rtol=1e-9, atol=1e-12)
    assert folded_spikes.layers() == spikes.layers()
    torch.testing.assert_close(weights_of(network), before, rtol=0, atol=0)


def test_a_pruned_convolution_is_not_folded() -> None:
    """Its weight is computed before each call."""
    network = small_network()
    network(images())
    with torch.no_grad():
        conv = network.stem.conv[0]
        prune.custom_from_mask(conv, "weight", torch.rand_like(conv.weight) < 0.5)
        votes = network.eval()(images())
        torch.testing.assert_close(fold_batch_norm(network)(images()), votes)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_can_be_folded(block: str) -> None:
    network = small_network("SNN_3", (block,) * 8).eval()
    folded = fold_batch_norm(network)
    torch.testing.assert_close(folded(images()), network(images()), rtol=1e-9, atol=1e-12)


def test_folding_keeps_the_mode_and_the_sharing_of_the_original() -> None:
    network = small_network().train()
    folded = fold_batch_norm(network)
    assert network.training
    assert not folded.training
    theirs = {parameter.data_ptr() for parameter in folded.parameters()}
    assert theirs.isdisjoint(parameter.data_ptr() for parameter in network.parameters())


def test_a_hook_of_a_folded_network_is_not_called_by_the_original() -> None:
    network = small_network().eval()
    folded = fold_batch_norm(network)
    called: list[nn.Module] = []
    for module in folded.modules():
        module.register_forward_hook(lambda module, *_: called.append(module))
    network(images())
    assert not called
    folded(images())
    assert called


def test_a_folded_network_leaves_no_state_either() -> None:
    network = small_network().eval()
    network(images())  # SpikingJelly keeps a list of the modules it has reset
    folded = fold_batch_norm(network)
    assert torch.equal(folded(images()), folded(images()))
    assert potentials(folded) == [0.0] * len(potentials(folded))


class Pooled(nn.Module):
    """A user's block with parts of the names that the package's pools have."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Any) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(3, stride, 1)
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Tensor:
        return self.neuron(self.conv(self.pool(x)))


@pytest.mark.usefixtures("registries")
def test_a_users_average_pools_stay_averages() -> None:
    BLOCKS.add("pooled", Pooled)
    network = small_network("SNN_1", ("pooled",) * 5, candidates=("pooled",))
    pools = [one for one in network.modules() if isinstance(one, nn.AvgPool2d)]
    assert len(pools) == 5
    assert all(one.divisor_override is None for one in pools)


@pytest.mark.parametrize("kind", ["PLIF", "LIF"])
@pytest.mark.parametrize("space", AVERAGING)
def test_a_leaky_neuron_reaches_its_threshold_by_sums_of_spikes_not_by_averages(
    space: str, kind: str
) -> None:
    """What the paper's threshold and neuron imply: with tau 2, h = v + (x - v) / 2 < 1 if x <= 1.

    At the start of training nothing passes an average pool; only the surrogate gradient does.
    """
    spikes = []
    for averages in AVERAGES:
        config = small_config(space, neuron=kind, timesteps=8, averages=averages)
        with seeded(0):
            network = build_network(config, blocks_for(space))
        network.double()
        outputs: list[Tensor] = []
        behind = network.stages["gap1" if space == "SNN_2" else "pool1"]
        behind.register_forward_hook(lambda *call, outputs=outputs: outputs.append(call[-1]))
        reference.loss(network(images(shape=config.shape)), LABELS).backward()
        spikes.append(torch.stack(outputs).sum())
    assert spikes[0] > 0
    assert spikes[1] == 0


def test_a_forward_never_waits_for_the_device() -> None:
    """A meta tensor has no values: whatever read one on the host would raise."""
    network = small_network("SNN_1").to("meta")
    with SpikeCounter(network):
        votes = network(images().double().to("meta"))
        votes.sum().backward()
    assert votes.shape == (3, 3)


class Halved(BatchNorm2d):
    """A plugin's batch norm."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) / 2


class Eager(PLIF):
    """A plugin's neuron, charged by more than its input."""

    def charge(self, v: Tensor, current: Tensor) -> Tensor:
        return super().charge(v, current + 0.5)

    charge_ = charge


def changed(part: str) -> nn.Module:
    """A network of SRB_k3 with one of a plugin's layers in the place of the package's."""
    network = small_network(blocks=("SRB_k3",) * 5)
    unit: Any = network.stages["tbd2"].conv1  # type: ignore[union-attr]
    if part == "convolution":
        unit[0].__class__ = Standardised
    elif part == "batch norm":
        unit[1].__class__ = Halved
    elif part == "neuron":
        network.stages["tbd2"].neuron1.__class__ = Eager  # type: ignore[union-attr]
    else:
        weight_norm(unit[0])
    return network.to("cpu")


@pytest.mark.parametrize("part", ["convolution", "batch norm", "neuron", "parametrised"])
@pytest.mark.parametrize("training", [False, True])
def test_a_plugins_subclass_of_a_layer_is_called(
    part: str, training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    votes = []
    for kernels in ("1", "0"):
        monkeypatch.setenv(SWITCH, kernels)
        network = changed(part).train(training)
        votes.append(network(images()))
        if not training:
            torch.testing.assert_close(fold_batch_norm(network)(images()), votes[-1])
    torch.testing.assert_close(votes[0], votes[1])
    assert votes[0].any()
    if part != "parametrised":
        assert not torch.equal(votes[0], changed("parametrised").train(training)(images()))


@pytest.mark.parametrize("kernels", ["1", "0"])
def test_who_looks_at_gradients_or_at_all_layers_is_called(
    kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, kernels)
    network = small_network().train()
    calls: Counter[str] = Counter()
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
            module.register_full_backward_hook(lambda *_, name=name: calls.update([name]))
    everywhere = register_module_forward_hook(
        lambda module, *_: calls.update(["forward"] if isinstance(module, nn.Conv2d) else [])
    )
    network(images()).sum().backward()
    everywhere.remove()
    wanted = {n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)}
    assert calls.keys() == wanted | {"fc.linear", "forward"}


def test_who_looks_at_a_neurons_input_gets_a_tensor() -> None:
    network, seen = small_network().eval(), []
    expected = network(images())
    for module in network.modules():
        if isinstance(module, neuron.BaseNode):
            module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    torch.testing.assert_close(network(images()), expected)
    assert seen
    assert all(isinstance(one, Tensor) for one in seen)
