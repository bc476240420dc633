"""The paths of a step, without any training."""

import itertools
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nni.nas.nn.pytorch import LayerChoice, ModelSpace
from torch import nn

from autosnn_nni.search_spaces import PAPER_CANDIDATES, Architecture, SpikingSpace, build_network
from autosnn_nni.strategies import SAMPLINGS, Sampling
from autosnn_nni.strategies.sampling import Fair


def steps(sampling: Sampling, count: int, seed: int = 0) -> list[list[Architecture]]:
    paths = sampling.paths(Random(seed))
    return [list(itertools.islice(paths, sampling.per_step)) for _ in range(count)]


class Choice(ModelSpace):
    """TBD blocks with so many candidates each."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        for number, size in enumerate(sizes, start=1):
            blocks = {f"b{index}": nn.Linear(index + 1, 1) for index in range(size)}
            self.add_module(f"tbd{number}", LayerChoice(blocks, label=f"tbd{number}"))


def parameters(space: SpikingSpace, blocks: Architecture) -> int:
    return sum(weights.numel() for weights in build_network(space.config, blocks).parameters())


@pytest.fixture(params=list(SAMPLINGS))
def sampling(request: pytest.FixtureRequest, make_space: Callable[..., SpikingSpace]) -> Sampling:
    return SAMPLINGS[request.param](make_space())


class TestEverySampling:
    """The contract; a newly registered sampling is picked up here."""

    def test_a_path_has_one_candidate_for_every_tbd_block(self, sampling: Sampling) -> None:
        for path in itertools.chain.from_iterable(steps(sampling, 20)):
            assert len(path) == 5
            assert set(path) <= set(PAPER_CANDIDATES)

    def test_the_seed_decides_it_all(self, sampling: Sampling) -> None:
        assert steps(sampling, 5, seed=1) == steps(sampling, 5, seed=1)
        assert steps(sampling, 5, seed=1) != steps(sampling, 5, seed=2)

    def test_every_candidate_of_every_block_is_trained(self, sampling: Sampling) -> None:
        paths = list(itertools.chain.from_iterable(steps(sampling, 60)))
        assert all(set(column) == set(PAPER_CANDIDATES) for column in zip(*paths, strict=True))


class TestFair:
    @given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 2**32))
    def test_a_step_trains_every_candidate_as_often_as_any_other(
        self, sizes: list[int], seed: int
    ) -> None:
        fair = Fair(Choice(sizes))
        assert fair.per_step == max(sizes)
        (paths,) = steps(fair, 1, seed)
        for column, size in zip(zip(*paths, strict=True), sizes, strict=True):
            often = [column.count(f"b{index}") for index in range(size)]
            assert max(often) - min(often) <= 1
            assert min(often) >= 1


class TestSandwich:
    def test_the_largest_is_first_and_the_smallest_second(
        self, make_space: Callable[..., SpikingSpace]
    ) -> None:
        space = make_space()
        paths = steps(SAMPLINGS["sandwich"](space), 5)
        sizes = [[parameters(space, blocks) for blocks in step] for step in paths]
        assert all(step[0] == max(step) and step[1] == min(step) for step in sizes)
        assert len({step[0] for step in paths}) == len({step[1] for step in paths}) == 1
        assert paths[0][1] == ("skip",) * 5
        assert "SRB_k5" in paths[0][0]
        assert set(paths[0][0]) <= {"SRB_k5", "SCB_k5"}  # equal where no channels change

    def test_the_largest_has_the_most_timesteps(
        self, make_space: Callable[..., SpikingSpace]
    ) -> None:
        space = make_space(timesteps=(2, 3, 1))
        ((largest, smallest, *_),) = steps(SAMPLINGS["sandwich"](space), 1)
        assert (largest[-1], smallest[-1]) == ("T3", "T1")
