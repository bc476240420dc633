"""A population scored together gets what its architectures get one by one, to the last bit."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autosnn_nni.scoring.batches import Batch
from autosnn_nni.scoring.evaluation import score
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.search_spaces import Segment, SpikingSpace, cut, labels, subnet, to_sample
from autosnn_nni.strategies import Measurements
from tests.search_spaces.fixtures import lively

Sample = dict[str, str]
SPACES = [
    ("SNN_1", {}),
    ("SNN_1", {"batch_norm": "pooled"}),
    ("SNN_1", {"batch_norm": "kept"}),
    ("SNN_1", {"neuron": "ANN"}),
    ("SNN_2", {"neuron": "IF"}),
    ("SNN_2", {"averages": "mean"}),
    ("SNN_1", {"timesteps": (1, 2, 3)}),
    ("SNN_1", {"timesteps": (3, 2), "batch_norm": "pooled"}),
    ("SNN_3", {}),
    ("SNN_4", {"neuron": "IF"}),
    ("SNASNet-Bw", {}),
]


def batches(space: SpikingSpace, *sizes: int) -> list[Batch]:
    random = torch.Generator().manual_seed(len(sizes))
    shape = space.config.shape
    return [
        (
            torch.rand(size, *shape, generator=random, dtype=torch.float64),
            torch.randint(0, space.config.classes, (size,), generator=random),
        )
        for size in sizes
    ]


def population(space: SpikingSpace, count: int, seed: int) -> list[Sample]:
    rng = Random(seed)
    choices = space.config.choices.values()
    return [to_sample([rng.choice(names) for names in choices]) for _ in range(count)]


def one_by_one(
    space: SpikingSpace, samples: Sequence[Sample], val: list[Batch], calibration: list[Batch]
) -> list[Measurements]:
    paths = [subnet(space.network, sample).eval() for sample in samples]
    with torch.no_grad():
        assert any(path(val[0][0]).any() for path in paths)  # not all: cells may pass nothing on
    return [score(path, val, calibration) for path in paths]


@pytest.mark.parametrize(("name", "options"), SPACES, ids=str)
def test_every_architecture_gets_what_it_gets_alone(
    name: str, options: dict[str, object], make_space: Callable[..., SpikingSpace]
) -> None:
    space = lively(make_space(name, **options))
    val, calibration = batches(space, 40, 9), batches(space, 12, 10, 8)
    scorer = PopulationScorer(space.network, val, calibration, 10**8)
    for generation in range(2):
        samples = population(space, 4, generation)
        assert scorer.evaluate(samples) == one_by_one(space, samples, val, calibration)


def test_layer_by_layer_too(
    make_space: Callable[..., SpikingSpace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autosnn_nni.search_spaces.network.MULTI_STEP_DEVICES", ("cpu",))
    space = lively(make_space("SNN_3"))
    assert space.network.multi_step
    val, calibration = batches(space, 9), batches(space, 12, 8)
    scorer = PopulationScorer(space.network, val, calibration, 10**8)
    samples = population(space, 4, 0)
    assert scorer.evaluate(samples) == one_by_one(space, samples, val, calibration)


@settings(deadline=None, max_examples=10)
@given(
    seed=st.integers(0, 99),
    calibrated=st.booleans(),
    memory=st.sampled_from([0, 300, 3000, 10**8]),
)
def test_whatever_the_cache_holds(
    seed: int, calibrated: bool, memory: int, make_space: Callable[..., SpikingSpace]
) -> None:
    space = lively(make_space(channels=2))
    val, calibration = batches(space, 9), batches(space, 6, 6) if calibrated else []
    scorer = PopulationScorer(space.network, val, calibration, memory)
    samples = population(space, 8, seed)
    got = scorer.evaluate(samples[:3]) + scorer.evaluate(samples[3:6]) + scorer.evaluate(samples)
    expected = one_by_one(space, samples, val, calibration)
    assert got == expected[:6] + expected


def test_what_architectures_have_in_common_runs_once(
    make_space: Callable[..., SpikingSpace], monkeypatch: pytest.MonkeyPatch
) -> None:
    space = make_space(channels=2)
    runs: list[int] = []
    forward = Segment.forward

    def counted(self: Segment, x: object) -> object:
        runs.append(1)
        return forward(self, x)

    monkeypatch.setattr(Segment, "forward", counted)
    first, second = ("skip",) * 5, ("skip",) * 4 + ("SCB_k3",)
    scorer = PopulationScorer(space.network, batches(space.double(), 9), [], 10**8)
    scorer.evaluate([to_sample(first), to_sample(second)])
    assert len(runs) == 7  # the stem, four blocks in common, and either last one
    runs.clear()
    scorer.evaluate([to_sample(("skip",) * 4 + ("SRB_k3",))])
    assert len(runs) == 1  # the rest is in the cache


def test_a_supernet_that_was_trained_further_is_scored_with_its_present_weights(
    make_space: Callable[..., SpikingSpace],
) -> None:
    space = lively(make_space())
    val, calibration = batches(space, 9), batches(space, 6)
    scorer = PopulationScorer(space.network, val, calibration, 10**8)
    samples = population(space, 3, 0)
    before = scorer.evaluate(samples)
    with torch.no_grad():
        for weights in space.parameters():
            weights.mul_(1.5)
    after = scorer.evaluate(samples)
    assert after == one_by_one(space, samples, val, calibration) != before


def test_the_supernet_is_left_as_it_was(make_space: Callable[..., SpikingSpace]) -> None:
    space = make_space().double()
    before = {name: value.clone() for name, value in space.state_dict().items()}
    val, calibration = batches(space, 9), batches(space, 6)
    PopulationScorer(space.network, val, calibration, 0).evaluate(population(space, 3, 0))
    assert space.state_dict().keys() == before.keys()
    assert all(value.equal(before[name]) for name, value in space.state_dict().items())


def test_segments_end_before_the_next_tbd_block(make_space: Callable[..., SpikingSpace]) -> None:
    segments = cut(make_space().network, labels(5))
    assert [(one.labels, one.stages) for one in segments] == [
        ((), ()),
        (("tbd1",), ("tbd1", "pool1")),
        (("tbd2",), ("tbd2",)),
        (("tbd3",), ("tbd3", "pool2")),
        (("tbd4",), ("tbd4",)),
        (("tbd5",), ("tbd5", "pool3")),
    ]
    assert [one.first for one in segments] == [True] + [False] * 5
    assert [one.last for one in segments] == [False] * 5 + [True]
