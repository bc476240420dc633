import copy
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nni.nas.nn.pytorch import LayerChoice
from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule
from nni.nas.strategy import RandomOneShot

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import (
    BLOCKS,
    MACROS,
    PAPER_CANDIDATES,
    Architecture,
    NetworkConfig,
    SpikeCounter,
    SpikingNetwork,
    SpikingSpace,
    build_network,
    path_weights,
    subnet,
    to_sample,
)
from autosnn_nni.search_spaces.segments import cut
from tests.search_spaces.fixtures import SEARCHED, SPACES, images, lively, small_config

SETTINGS = {"shape": (3, 16, 16), "classes": 3, "channels": 4, "timesteps": 3}


def supernet(space: str, **changes: object) -> SpikingSpace:
    mutated = RandomOneShot().mutate_model(SpikingSpace(space, **(SETTINGS | changes)))
    return lively(mutated).eval()


def some_architectures(space: str, count: int = 3) -> list[Architecture]:
    rng = random.Random(0)
    return [
        tuple(rng.choice(MACROS[space].candidates) for _ in range(MACROS[space].tbd_blocks))
        for _ in range(count)
    ]


def stand_alone(super_network: SpikingNetwork, blocks: Architecture, space: str) -> SpikingNetwork:
    """Freshly built, then given the supernet's weights by name."""
    network = build_network(small_config(space), blocks).double().eval()
    weights = path_weights(super_network.state_dict(), to_sample(blocks))
    network.load_state_dict(weights)
    return network


@pytest.mark.parametrize("space", SEARCHED)
def test_a_path_of_the_supernet_is_the_stand_alone_network(space: str) -> None:
    mutated = supernet(space)
    for blocks in some_architectures(space):
        sample = to_sample(blocks)
        for module in mutated.modules():
            if isinstance(module, BaseSuperNetModule):
                module.resample(memo=dict(sample))
        networks = {
            "NNI's path": mutated.network,
            "subnet": subnet(mutated.network, sample),
            "frozen": mutated.freeze(sample).network,
            "stand-alone": stand_alone(mutated.network, blocks, space),
        }
        outputs, spikes = {}, {}
        for name, network in networks.items():
            with SpikeCounter(network) as counter:
                outputs[name] = network.double()(images())
            spikes[name] = counter.total
        expected = outputs["stand-alone"]
        assert spikes["stand-alone"] > 0
        assert {name for name, out in outputs.items() if not torch.equal(out, expected)} == set()
        assert set(spikes.values()) == {spikes["stand-alone"]}


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_path_at_t_is_the_stand_alone_network_of_t_timesteps(count: int, pooled: bool) -> None:
    mutated = supernet("SNN_1", timesteps=(1, 2, 4), batch_norm="pooled" if pooled else "timestep")
    blocks = some_architectures("SNN_1", 1)[0]
    architecture = (*blocks, f"T{count}")
    sample = to_sample(architecture)
    for module in mutated.modules():
        if isinstance(module, BaseSuperNetModule):
            module.resample(memo=dict(sample))
    config = small_config("SNN_1", timesteps=count, batch_norm="pooled" if pooled else "timestep")
    expected = build_network(config, blocks).double().eval()
    expected.load_state_dict(path_weights(mutated.network.state_dict(), sample))
    chosen = build_network(mutated.config, architecture).double().eval()
    chosen.load_state_dict(expected.state_dict())
    networks = {
        "NNI's path": mutated.network,
        "subnet": subnet(mutated.network, sample),
        "frozen": mutated.freeze(sample).network,
        "built by its name": chosen,
    }
    with SpikeCounter(expected) as counter:
        votes = expected(images())
    assert counter.total > 0
    for name, network in networks.items():
        with SpikeCounter(network) as spikes:
            assert torch.equal(network(images()), votes), name
        assert spikes.total == counter.total, name


def test_several_timesteps_are_one_more_choice() -> None:
    space = SpikingSpace("SNN_1", **(SETTINGS | {"timesteps": (2, 4, 8)}))
    choices = space.simplify()
    assert {str(label) for label in choices} == {*(f"tbd{n}" for n in range(1, 6)), "timesteps"}
    assert list(choices["timesteps"].values) == ["T2", "T4", "T8"]
    assert space.config.size == 3125 * 3
    assert space.state_dict().keys() == SpikingSpace("SNN_1", **SETTINGS).state_dict().keys()


def test_timesteps_may_be_named_where_they_are_given() -> None:
    config = small_config(timesteps=4)
    assert config.check((*("skip",) * 5, "T4")) == ("skip",) * 5


@pytest.mark.parametrize(
    ("timesteps", "named", "message"),
    [
        (4, ("T8",), "T8 is not one of the timesteps of this space: T4"),
        ((2, 4), ("T8",), "T8 is not one of the timesteps of this space: T2, T4"),
        ((2, 4), (), "the timesteps are missing; add one of T2, T4 after the blocks"),
    ],
)
def test_wrong_timesteps_of_an_architecture_are_told_in_one_line(
    timesteps: object, named: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError) as error:
        build_network(small_config(timesteps=timesteps), (*("skip",) * 5, *named))
    assert str(error.value) == message


def test_a_subnets_layers_are_the_supernets_own() -> None:
    mutated = supernet("SNN_1")
    path = subnet(mutated.network, to_sample(some_architectures("SNN_1", 1)[0]))
    owned = {id(parameter) for parameter in mutated.parameters()}
    assert {id(parameter) for parameter in path.parameters()} < owned


def test_a_subnet_keeps_timesteps_and_pooled_statistics() -> None:
    mutated = supernet("SNN_1", batch_norm="pooled")
    blocks = some_architectures("SNN_1", 1)[0]
    path = subnet(mutated.network, to_sample(blocks)).train()
    assert (path.timesteps.count, path.pooled) == (3, True)
    expected = stand_alone(mutated.network, blocks, "SNN_1")
    torch.testing.assert_close(path.eval()(images()), expected(images()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("side", [16, 64])
def test_a_path_at_t_has_the_statistics_kept_for_its_timesteps(side: int) -> None:
    """With 64 pixels there are blocks before the choices; their lists by timestep are none."""
    shape = (3, side, side)
    mutated = supernet("SNN_1", shape=shape, timesteps=(1, 2), batch_norm="kept")
    for count in (1, 2):
        architecture = (*some_architectures("SNN_1", 1)[0], f"T{count}")
        sample = to_sample(architecture)
        chosen = build_network(mutated.config, architecture).double().eval()
        weights = path_weights(mutated.network.state_dict(), sample)
        chosen.load_state_dict({name: weights[name] for name in chosen.state_dict()})
        expected = chosen(images(shape=shape))
        assert expected.any()
        assert subnet(mutated.network, sample)(images(shape=shape)).equal(expected)
        first, *others = cut(mutated.network, sample.keys())
        assert first.labels == ("timesteps",)
        assert [one.labels for one in others] == [(f"tbd{place}",) for place in range(1, 6)]


def test_only_the_sampled_path_is_trained() -> None:
    mutated = supernet("SNN_1").train()
    blocks = some_architectures("SNN_1", 1)[0]
    for module in mutated.modules():
        if isinstance(module, BaseSuperNetModule):
            module.resample(memo=to_sample(blocks))
    mutated(images()).sum().backward()
    trained = {id(p) for p in mutated.parameters() if p.grad is not None}
    path = subnet(mutated.network, to_sample(blocks))
    assert trained == {id(parameter) for parameter in path.parameters()}


def test_the_space_is_made_of_nnis_layer_choices() -> None:
    space = SpikingSpace("SNN_1", **SETTINGS)
    choices = [module for module in space.modules() if isinstance(module, LayerChoice)]
    assert [choice.label for choice in choices] == ["tbd1", "tbd2", "tbd3", "tbd4", "tbd5"]
    assert all(tuple(choice.candidates) == PAPER_CANDIDATES for choice in choices)
    assert {str(label) for label in space.simplify()} == {f"tbd{n}" for n in range(1, 6)}


def test_the_space_without_a_strategy_runs_its_first_candidates() -> None:
    space = lively(SpikingSpace("SNN_1", **SETTINGS)).eval()
    network = stand_alone(space.network, ("skip",) * 5, "SNN_1")
    assert torch.equal(space(images()), network(images()))


def test_a_space_of_any_registered_blocks_can_be_asked_for() -> None:
    space = SpikingSpace("SNN_3", candidates=tuple(BLOCKS), **SETTINGS)
    assert space.config.size == len(BLOCKS) ** 8
    mutated = lively(RandomOneShot().mutate_model(space)).eval()
    for block in BLOCKS:
        path = subnet(mutated.network, to_sample((block,) * 8))
        assert path(images(1)).shape == (1, 3)


def test_the_papers_spaces_have_the_papers_sizes() -> None:
    sizes = {space: small_config(space).size for space in ("SNN_1", "SNN_3")}
    assert sizes == {"SNN_1": 3125, "SNN_3": 390625}


def test_a_space_can_be_copied() -> None:
    space = lively(SpikingSpace("SNN_1", **SETTINGS)).eval()
    space(images())
    assert torch.equal(copy.deepcopy(space)(images()), space(images()))


def test_the_seed_fixes_the_weights() -> None:
    def weights() -> list[torch.Tensor]:
        torch.manual_seed(7)
        return list(build_network(small_config(), ("SRB_k3",) * 5).state_dict().values())

    assert all(torch.equal(a, b) for a, b in zip(weights(), weights(), strict=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 5}, "channels must be even and positive, not 5"),
        ({"channels": 0}, "channels must be even and positive, not 0"),
        ({"channels": -4}, "channels must be even and positive, not -4"),
        ({"timesteps": 0}, "timesteps must be at least 1, not 0"),
        ({"timesteps": (2, 0)}, "timesteps must be at least 1, not 0"),
        ({"timesteps": (2, 2)}, "2 timesteps are named twice; name each number once"),
        ({"timesteps": (2,)}, "timesteps must be a single number, or at least two"),
        ({"timesteps": (2, 4), "neuron": "ANN"}, "a ReLU network is the same at all timesteps"),
        ({"timesteps": (2, 4), "space": "CIFARNet-Wu"}, "CIFARNet-Wu has no TBD blocks to search"),
        ({"neuron": "PLFI"}, "unknown neuron 'PLFI'; did you mean 'PLIF'?"),
        ({"candidates": ("skip", "SRB_k9")}, "unknown block 'SRB_k9'; did you mean 'SRB_k"),
        ({"space": "SNN_9"}, "unknown space 'SNN_9'; did you mean 'SNN_"),
        ({"shape": (8, 8)}, "shape is (channels, height, width), not (8, 8)"),
        ({"shape": 8}, "shape is (channels, height, width), not 8"),
        ({"shape": (1, 8, 0)}, "shape is (channels, height, width), not (1, 8, 0)"),
        ({"shape": (3, 7, 7)}, "images of 7x7 are too small for SNN_1; its pooling layers need"),
        ({"shape": (3, 32, 4)}, "images of 32x4 are too small for SNN_1"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as error:
        small_config(**({"space": "SNN_1"} | changes))  # type: ignore[arg-type]
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("count", [0, 4, 6])
def test_a_wrong_number_of_blocks_is_told_in_one_line(count: int) -> None:
    with pytest.raises(UserError) as error:
        build_network(small_config(), ("SRB_k3",) * count)
    assert f"SNN_1 has 5 TBD blocks, but {count} blocks were given" in str(error.value)
    assert "give one block per TBD block" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_block_is_told_before_a_wrong_number() -> None:
    with pytest.raises(UserError, match=r"^unknown block 'SBR_k3'; did you mean 'SRB_k3'\?$"):
        build_network(small_config(), ("SBR_k3",))


def runs(space: str, height: int, width: int) -> bool:
    config = NetworkConfig(space, shape=(1, height, width), classes=2, channels=2, timesteps=1)
    network = build_network(config, ("skip",) * config.macro.tbd_blocks).eval()
    with torch.no_grad():
        return network(torch.zeros(1, 1, height, width)).shape == (1, 2)


@pytest.mark.parametrize("space", SPACES)
@given(height=st.integers(8, 40), width=st.integers(8, 40))
def test_every_image_size_from_8x8_makes_a_network(space: str, height: int, width: int) -> None:
    assert runs(space, height, width)


@given(height=st.integers(1, 7), width=st.integers(1, 40))
def test_blocks_of_stride_2_have_no_smallest_size(height: int, width: int) -> None:
    assert runs("SNN_3", height, width)


@pytest.mark.parametrize("space", ["SNN_1", "SNN_2", "SNN_4"])
@given(height=st.integers(1, 7), width=st.integers(1, 40))
def test_images_that_pooling_would_use_up_are_refused(space: str, height: int, width: int) -> None:
    with pytest.raises(UserError, match=f"^images of {height}x{width} are too small for {space}"):
        runs(space, height, width)
