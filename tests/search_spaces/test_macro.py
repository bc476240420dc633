import pytest
import torch.nn.functional as F
from spikingjelly.activation_based import functional

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import MACROS, TBD, Macro, NetworkConfig, Pool, build_network
from tests import reference
from tests.search_spaces.fixtures import SEARCHED, SPACES, blocks_for, images, small_config


def test_the_papers_spaces_are_there() -> None:
    assert {name: MACROS[name].tbd_blocks for name in SEARCHED} == {
        "SNN_1": 5,
        "SNN_2": 5,
        "SNN_3": 8,
        "SNN_4": 5,
        "SNN_1_8": 8,
        "Speck": 5,
        "SNASNet-Fw": 6,
        "SNASNet-Bw": 6,
    }
    assert set(reference.SPACES) == set(SPACES)


def test_snn_1_as_the_paper_draws_it() -> None:
    pool = Pool("max")
    assert MACROS["SNN_1"] == Macro((TBD(1), pool, TBD(2), TBD(2), pool, TBD(4), TBD(4), pool))


@pytest.mark.parametrize("space", SPACES)
def test_every_space_makes_a_network_of_32x32_images(space: str) -> None:
    config = NetworkConfig(space, shape=(3, 32, 32), classes=10, channels=4, timesteps=1)
    network = build_network(config, ("skip",) * config.macro.tbd_blocks)
    widths = [stage.width for stage in config.macro.stages if isinstance(stage, TBD)]
    side = 1 if space == "SNN_2" else 4
    assert network.fc.linear.in_features == 4 * widths[-1] * side * side
    assert network.fc.linear.out_features == (10 if space == "Speck" else 100)


@pytest.mark.parametrize("macro", MACROS)
def test_every_stage_leaves_the_shape_that_it_says(macro: str) -> None:
    config = small_config(macro, timesteps=1)
    network = build_network(config, blocks_for(macro)).eval()
    functional.set_step_mode(network, "s")
    assert list(network.stages) == [placed.name for placed in config.stages]
    x = network.stem(F.avg_pool2d(images(1, config.shape).float(), config.macro.shrink))
    for placed in config.stages:
        assert x.shape[1:] == placed.before
        x = network.stages[placed.name](x)
        assert x.shape[1:] == placed.after
    assert x.shape[1:] == config.features


@pytest.mark.parametrize(
    ("side", "stem"),
    [
        (28, []),
        (32, []),
        (64, ["stem_pool1", "stem_block1"]),
        (128, ["stem_pool1", "stem_block1", "stem_pool2"]),
    ],
)
def test_larger_images_are_brought_down_to_32x32_by_a_deeper_stem(
    side: int, stem: list[str]
) -> None:
    """Figure 6, for searched spaces alone: networks made by hand have a stem of their own."""
    searched = NetworkConfig("SNN_1", shape=(3, side, side), classes=10).stages
    by_hand = NetworkConfig("CIFARNet-Fang", shape=(3, side, side), classes=10).stages
    assert [placed.name for placed in searched if placed.name.startswith("stem_")] == stem
    assert min(searched[len(stem)].before[1:]) == min(side, 32)
    assert by_hand[0].name == "block1"
    assert by_hand[0].before == (16, side, side)


@pytest.mark.parametrize("macro", MACROS)
def test_the_least_side_is_the_least(macro: str) -> None:
    least = MACROS[macro].least_side
    assert MACROS[macro].fits(least, least)
    assert not MACROS[macro].fits(least - 1, least)
    assert not MACROS[macro].fits(least, least - 1)


def test_an_unknown_space_gets_a_hint() -> None:
    with pytest.raises(UserError, match=r"^unknown space 'SNN1'; did you mean 'SNN_1'\?$"):
        MACROS["SNN1"]
