"""Blocks as users of torch write them, each with one habit: allowed, scored alone, or refused."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import base, layer
from spikingjelly.activation_based.neuron import LIFNode
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from autosnn_nni.errors import UserError
from autosnn_nni.scoring.evaluation import score
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.search_spaces import BLOCKS, MACROS, TBD, Macro, Pool, SpikingSpace, subnet
from autosnn_nni.search_spaces.batch_norm import BatchNorm2d
from autosnn_nni.search_spaces.blocks import SCB
from autosnn_nni.search_spaces.build import seeded
from autosnn_nni.search_spaces.probe import Habits, Site, probe
from tests.search_spaces.fixtures import images, lively

SITE = Site(4, 4, 1, (8, 8))
BATCHES = [[(images(4, seed=1), torch.arange(4) % 3)]] * 2


class Plain(nn.Module):
    """Convolution, batch norm, neuron."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Callable[[], Any]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.bn(self.conv(x)))


class Dropped(Plain):
    """Dropout between convolution and batch norm."""

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.bn(F.dropout2d(self.conv(x), 0.5, self.training)))


class OwnScale(Plain):
    """A running scale of its own in a buffer."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.register_buffer("scale", torch.ones(1, outputs, 1, 1))

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        if self.training:
            with torch.no_grad():
                self.scale.lerp_(x.abs().mean((0, 2, 3), keepdim=True), 0.1)
        return self.neuron(x / self.scale.clone())


class AllAtOnce(Plain):
    """A layer that takes all timesteps at once alone."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.norm = layer.ThresholdDependentBatchNorm2d(1.0, 1.0, outputs)


class Unresettable(Plain):
    """A reset that fails."""

    def reset(self) -> None:
        raise RuntimeError("never")


@dataclass
class Unhashable:
    """A factory that is no key."""

    def __call__(self, *shape: Any) -> nn.Module:
        return Plain(*shape)


class Rectified(Plain):
    """In place on its own intermediate."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(F.relu(x - 0.5, inplace=True))


class GroupNormed(Plain):
    """Another normaliser, without statistics."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.bn = nn.GroupNorm(2, outputs)


class Halved(Plain):
    """Changes its input in place."""

    def forward(self, x: Tensor) -> Any:
        x *= 0.5
        return super().forward(x)


class HalvedInTraining(Plain):
    """The same, in training only, and through a view."""

    def forward(self, x: Tensor) -> Any:
        if self.training:
            x.flatten(1).mul_(0.5)
        return super().forward(x)


class WrongChannels(Plain):
    """One channel more than asked for."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs + 1, *others)


class WrongSize(Plain):
    """Ignores its stride."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Any) -> None:
        super().__init__(inputs, outputs, 1, neuron)


class Pair(Plain):
    """Returns spikes and state."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x), None


class Remembers(Plain):
    """Keeps state in an attribute that a reset does not clear."""

    last: Tensor | float = 0.0

    def forward(self, x: Tensor) -> Any:
        self.last = self.conv(x) + 0.5 * self.last
        return self.neuron(self.bn(self.last))


class Noisy(Plain):
    """Random in eval mode too."""

    def forward(self, x: Tensor) -> Any:
        current = self.conv(x)
        return self.neuron(self.bn(current + 0.1 * torch.randn_like(current)))


class Counts(Plain):
    """Changes a buffer in eval mode."""

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Any:
        self.calls += 1
        return super().forward(x)


class Decays(Plain):
    """Changes its weights in its forward pass."""

    def forward(self, x: Tensor) -> Any:
        if self.training:
            with torch.no_grad():
                self.conv.weight.mul_(0.9)
        return super().forward(x)


class Fails(Plain):
    """Needs more channels than there are."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x[:, :1])


class Unmakeable(Plain):
    """Its constructor fails."""

    def __init__(self, *shape: Any) -> None:
        raise TypeError("takes no stride")


class Divides(Plain):
    """Gives what is no number."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) / 0.0


class Frozen(Plain):
    """Spoils its own gradient."""

    def forward(self, x: Tensor) -> Any:
        currents = self.conv(x).sigmoid()
        spikes = self.neuron(self.bn(currents))
        currents.mul_(2)
        return spikes


class RunningMean(Plain):
    """A running scale in an attribute, which no checkpoint keeps."""

    scale = 1.0

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        if self.training:
            self.scale = 0.9 * self.scale + 0.1 * float(x.detach().abs().mean())
        return self.neuron(self.bn(x) / self.scale)


class NotPersistent(OwnScale):
    """The same in a buffer that is not saved."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.register_buffer("scale", torch.ones(1, outputs, 1, 1), persistent=False)


class PythonsRandom(Plain):
    """Random in training, but not by torch's numbers, which are seeded."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (random.random() if self.training else 1.0)


class DrawnOnce(Plain):
    """A random shift that is drawn when it is made, and not saved."""

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.shift = float(torch.rand(()))

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.bn(self.conv(x) + self.shift))


class Seeding(Plain):
    """Sets the seed in its forward pass."""

    def forward(self, x: Tensor) -> Any:
        torch.manual_seed(7)
        return super().forward(x)


class Shared(Plain):
    """All blocks have one convolution."""

    one = nn.Conv2d(4, 4, 3, 1, 1, bias=False)

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.conv = self.one


class SharedNeuron(Plain):
    """All blocks have one neuron, and so one potential."""

    one = LIFNode()

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.neuron = self.one


class Lazy(Plain):
    """Learns its sizes from its first input."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.conv = nn.LazyConv2d(outputs, 3, 1, 1, bias=False)


class Sparse(Plain):
    """Gives a sparse tensor."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x).to_sparse()


class Untrained(Plain):
    """No gradient reaches its weights."""

    @torch.no_grad()
    def forward(self, x: Tensor) -> Any:
        return super().forward(x)


class Ends(Plain):
    """Ends the program."""

    def __init__(self, *shape: Any) -> None:
        raise SystemExit(3)


class OfBatch(Plain):
    """Uses the batch's own statistics in eval mode too."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.bn = nn.BatchNorm2d(outputs, track_running_stats=False)


class WeightNormed(Plain):
    """Parametrized weights."""

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        weight_norm(self.conv)


class Counting(Plain):
    """Counts its steps in a buffer of whole numbers."""

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, x: Tensor) -> Any:
        if self.training:
            self.steps += 1
        return super().forward(x)


class Twice(Plain):
    """One layer under two names."""

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.other = self.conv

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.bn(self.conv(x) + self.other(x)))


class MultiStep(Plain):
    """A neuron of SpikingJelly in another step mode, which the network sets."""

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.neuron = LIFNode(step_mode="m")


class Rolls(nn.Module, base.StepModule):
    """Says that it takes all timesteps, and then takes time for images."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Any) -> None:
        super().__init__()
        self.step_mode = "s"
        self.conv = layer.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn = BatchNorm2d(outputs)
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.bn(self.conv(x)).roll(1, dims=1))


class FiresTwice(Rolls):
    """One neuron at two places."""

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.bn(self.conv(self.neuron(x))))


class OneNeuron(Plain):
    """One neuron at two places, in a block that gets one timestep after another."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(super().forward(x))


def recurrent(inputs: int, outputs: int, stride: int, neuron: Any) -> nn.Module:
    """A container that steps through time itself, and calls its neuron once in a timestep."""
    return nn.Sequential(
        layer.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        BatchNorm2d(outputs),
        layer.ElementWiseRecurrentContainer(neuron(), lambda x, y: x + y),
    )


class DroppedByBuffer(Plain):
    """Random in training only; its rate is a buffer, which is no statistic."""

    def __init__(self, *shape: Any) -> None:
        super().__init__(*shape)
        self.register_buffer("keep", torch.tensor(0.7))

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        return self.neuron(self.bn(x * (torch.rand_like(x) < self.keep) if self.training else x))


def scripted(inputs: int, outputs: int, stride: int, neuron: Any) -> nn.Module:
    """Compiled by TorchScript, in which batch norm has another type."""
    layers = nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU()
    script: nn.Module = torch.jit.script(nn.Sequential(*layers))
    return script


SCRIPTED = ("1.running_mean", "1.running_var", "1.num_batches_tracked")


@pytest.mark.parametrize(
    ("block", "habits"),
    [
        (Plain, Habits()),
        (Dropped, Habits(is_random=True)),
        (OwnScale, Habits(own_statistics=("scale",))),
        (Rectified, Habits()),
        (GroupNormed, Habits()),
        (WeightNormed, Habits()),
        (Counting, Habits(own_statistics=("steps",))),
        (Twice, Habits()),
        (DroppedByBuffer, Habits(is_random=True)),
        (MultiStep, Habits()),
        (recurrent, Habits()),
        (scripted, Habits(own_statistics=SCRIPTED)),
    ],
)
def test_what_is_allowed(block: Any, habits: Habits) -> None:
    assert probe("mine", block, "PLIF", SITE) == habits


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (Halved, "changes its input, which other blocks share; let it work on a copy"),
        (HalvedInTraining, "changes its input"),
        (WrongChannels, r"gives \[2, 5, 8, 8\] for \[2, 4, 8, 8\], but \[2, 4, 8, 8\] is needed"),
        (Pair, "must give a tensor of spikes, not a tuple"),
        (Remembers, "gives another answer to the same input after a reset"),
        (Noisy, "gives another answer to the same input after a reset"),
        (Counts, "changes its buffer calls in eval mode"),
        (Decays, "changes its weights conv.weight in its forward pass"),
        (Fails, r"fails on \[2, 4, 8, 8\]: RuntimeError"),
        (Unmakeable, "can't be made: TypeError: takes no stride"),
        (Divides, "must give finite numbers"),
        (Frozen, "can't be trained: RuntimeError"),
        (RunningMean, "gives another answer to the same input after a reset"),
        (NotPersistent, "gives another answer to the same input after a reset"),
        (PythonsRandom, "gives another answer to the same input after a reset"),
        (DrawnOnce, "gives another answer when it is made again with the same weights"),
        (Seeding, "sets torch's seed"),
        (Shared, "shares its conv.weight with other blocks"),
        (SharedNeuron, "shares its neuron with other blocks"),
        (Lazy, "has a lazy layer, whose conv.weight has no size yet; give the sizes"),
        (Sparse, "must give a tensor of spikes, not a torch.sparse_coo"),
        (Untrained, "can't be trained: its output has no gradient"),
        (Ends, "can't be made: SystemExit: 3"),
        (OfBatch, "gives an image another answer in eval mode if other images are in its batch"),
        (Rolls, "gives another answer to all timesteps at once than to one after another"),
        (OneNeuron, "calls a neuron twice in a timestep; give it one for each place"),
        (FiresTwice, "calls a neuron twice in a timestep; give it one for each place"),
        (lambda *shape: "skip", "is a str, not a torch module"),
        (AllAtOnce, "can't take single timesteps: ValueError: step_mode can only be"),
        (Unresettable, "can't be reset: RuntimeError: never"),
    ],
)
def test_what_is_refused_in_one_line_that_names_the_block(block: Any, reason: str) -> None:
    start = r"block 'mine' \(4 to 4 channels, stride 1\) "
    with pytest.raises(UserError, match=start + reason) as caught:
        probe("mine", block, "PLIF", SITE)
    assert "\n" not in str(caught.value)


def test_a_factory_that_cannot_be_kept_is_refused() -> None:
    with pytest.raises(UserError, match="block 'mine' can't be used: TypeError: unhashable type"):
        probe("mine", Unhashable(), "PLIF", SITE)


def test_odd_sizes_are_rounded_up_at_stride_2() -> None:
    site = Site(4, 6, 2, (7, 5))
    assert probe("mine", Plain, "IF", site) == Habits()
    with pytest.raises(UserError, match=r"gives \[2, 6, 7, 5\]"):
        probe("mine", WrongSize, "IF", site)


def test_random_numbers_are_left_as_they_were() -> None:
    before = torch.random.get_rng_state()
    probe("mine", Dropped, "LIF", SITE)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.fixture
def register() -> Iterator[Callable[[str, Any], None]]:
    """Registers blocks and spaces of a test, and takes them back."""
    before = dict(BLOCKS._items), dict(MACROS._items)
    MACROS.add("probed", Macro((Pool("max"), TBD(1), TBD(1), Pool("max"), TBD(2))))
    yield BLOCKS.add
    BLOCKS._items, MACROS._items = before


def _space(*candidates: str, **options: Any) -> SpikingSpace:
    size = {"shape": (3, 16, 16), "classes": 3, "channels": 4, "timesteps": 3}
    return SpikingSpace("probed", candidates=candidates, **{**size, **options})


def test_a_space_with_a_wrong_block_is_refused(register: Callable[[str, Any], None]) -> None:
    register("my_halved", Halved)
    with pytest.raises(UserError, match=r"block 'my_halved' .* changes its input"):
        _space("skip", "my_halved")
    assert _space("skip", "SCB_k3").network.alone == frozenset()


def test_a_block_made_of_the_packages_own_is_tried_too(
    register: Callable[[str, Any], None],
) -> None:
    register("even", partial(SCB, kernel=4))
    with pytest.raises(UserError, match=r"block 'even' .* gives \[2, 4, \d+, \d+\]"):
        _space("skip", "even")


def test_pooled_batch_norm_needs_layers_for_all_timesteps(
    register: Callable[[str, Any], None],
) -> None:
    register("my_plain", Plain)
    with pytest.raises(UserError, match=r"block 'my_plain' .* can't have pooled batch norm"):
        _space("skip", "my_plain", batch_norm="pooled")


def test_kept_statistics_are_those_of_a_plugin_too(register: Callable[[str, Any], None]) -> None:
    register("my_plain", Plain)
    kept = _space("my_plain", batch_norm="kept").network
    names = [name for name, _ in kept.named_buffers() if "tbd1" in name and "running_mean" in name]
    assert len(names) == 3


class OwnNorm(Plain):
    """Its batch norm computes something else."""

    class Scaled(nn.BatchNorm2d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * 3 + 0.5

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.bn = self.Scaled(outputs)


class OneNorm(Plain):
    """One batch norm at two places."""

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.bn(self.bn(self.conv(x))))


class Flat(Plain):
    """Batch norm of one axis."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.bn = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Any:
        y = self.conv(x)
        return self.neuron(self.bn(y.flatten(2)).view_as(y))


class Viewed(Plain):
    """Takes its input for contiguous, and a network's has its channels last."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x.view(x.shape[0], -1).view(x.shape))


class ViewedWeights(Plain):
    """The same of its weights."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * self.conv.weight.view(-1).sign().abs().max()


class ThroughTime(Rolls):
    """Batch norm of two timesteps, and no more."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.bn = layer.BatchNormThroughTime2d(2, outputs)

    def forward(self, x: Tensor) -> Any:
        return self.neuron(self.bn(self.conv(x)))


class Leaks(base.MemoryModule):
    """The package's layers with a memory, of which a single step is all that is written."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Any) -> None:
        super().__init__()
        self.conv = layer.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn = BatchNorm2d(outputs)
        self.neuron = neuron()
        self.register_memory("last", 0.0)

    def single_step_forward(self, x: Tensor) -> Any:
        self.last = self.bn(self.conv(x)) + 0.5 * self.last
        return self.neuron(self.last)


class Doubled(LIFNode):
    """A neuron of which a single step is all that is written."""

    def single_step_forward(self, x: Tensor) -> Any:
        return super().single_step_forward(2 * x)


class OwnNeuron(ThroughTime):
    """The package's layers, and such a neuron."""

    def __init__(self, inputs: int, outputs: int, *others: Any) -> None:
        super().__init__(inputs, outputs, *others)
        self.bn = BatchNorm2d(outputs)
        self.neuron = Doubled()


@pytest.mark.parametrize("block", [Viewed, ViewedWeights])
def test_a_block_gets_what_a_network_gives_it(block: Any) -> None:
    with pytest.raises(UserError, match=r"fails on \[2, 4, 8, 8\]: RuntimeError: view size"):
        probe("mine", block, "PLIF", SITE)


def test_no_more_timesteps_are_tried_than_there_are(register: Callable[[str, Any], None]) -> None:
    register("mine", ThroughTime)
    for timesteps in (2, (1, 2)):
        assert _space("skip", "mine", timesteps=timesteps).network
    with pytest.raises(UserError, match=r"block 'mine' .* fails on .* IndexError"):
        _space("skip", "mine", timesteps=3)


@pytest.mark.parametrize("block", [Leaks, OwnNeuron])
def test_a_block_with_a_single_step_gets_one_after_another(
    block: Any, register: Callable[[str, Any], None]
) -> None:
    register("mine", block)
    network = lively(_space("mine", "skip")).network.eval()
    assert not network.multi_step
    assert score(subnet(network, dict.fromkeys(("tbd1", "tbd2", "tbd3"), "mine")), *BATCHES)


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (OwnNorm, "its Scaled may compute something else"),
        (Flat, "its BatchNorm1d may compute something else"),
        (OneNorm, "it calls one twice in a timestep; give it one for each place"),
    ],
)
def test_batch_norm_that_cant_be_kept_is_refused(
    block: Any, why: str, register: Callable[[str, Any], None]
) -> None:
    register("mine", block)
    assert _space("skip", "mine").network
    with pytest.raises(UserError, match=f"block 'mine' .* can't have kept batch norm: {why}"):
        _space("skip", "mine", batch_norm="kept")


@pytest.mark.parametrize("memory", [0, 2**30])
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_shared_is_as_alone_whatever_the_blocks_do(memory: int, data: st.DataObject) -> None:
    """In float64, with and without a cache, in any order of the populations."""
    habits = {
        "Dropped": Dropped,
        "DroppedByBuffer": DroppedByBuffer,
        "OwnScale": OwnScale,
        "Rectified": Rectified,
        "GN": GroupNormed,
    }
    before = dict(BLOCKS._items), dict(MACROS._items)
    MACROS.add("probed", Macro((Pool("max"), TBD(1), TBD(1), Pool("max"), TBD(2))))
    for name, block in habits.items():
        BLOCKS.add(name, block)
    try:
        names = data.draw(st.lists(st.sampled_from([*habits]), min_size=1, unique=True))
        with seeded(data.draw(st.integers(0, 99))):
            space = lively(_space("skip", "SRB_k3", *names))
        choice = st.tuples(*[st.sampled_from(space.config.candidates)] * 3)
        populations = data.draw(st.lists(st.lists(choice, min_size=1, max_size=6), max_size=2))
        batches = [(images(4, seed=seed), torch.arange(4) % 3) for seed in (1, 2)]
        scorer = PopulationScorer(space.network, batches, batches, memory)
        for population in populations:
            samples = [dict(zip(("tbd1", "tbd2", "tbd3"), one, strict=True)) for one in population]
            shares: list[float] = []
            results = scorer.evaluate(samples, lambda share, _, done=shares: done.append(share))
            for sample, found in zip(samples, results, strict=True):
                assert found == score(subnet(space.network, sample), batches, batches)
            assert shares == sorted(shares)
            assert shares[-1] == 1
    finally:
        BLOCKS._items, MACROS._items = before
