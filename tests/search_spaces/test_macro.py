import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import MACROS, TBD, Macro, NetworkConfig, Pool, build_network
from tests import reference


def test_the_papers_four_are_there() -> None:
    assert set(reference.SPACES) <= set(MACROS)
    assert {name: MACROS[name].tbd_blocks for name in reference.SPACES} == {
        "SNN_1": 5,
        "SNN_2": 5,
        "SNN_3": 8,
        "SNN_4": 5,
    }


def test_snn_1_as_the_paper_draws_it() -> None:
    pool = Pool("max")
    assert MACROS["SNN_1"] == Macro((TBD(1), pool, TBD(2), TBD(2), pool, TBD(4), TBD(4), pool))


@pytest.mark.parametrize("space", MACROS)
def test_every_macro_makes_a_network_of_32x32_images(space: str) -> None:
    config = NetworkConfig(space, shape=(3, 32, 32), classes=10, channels=4, timesteps=1)
    network = build_network(config, ("skip",) * config.macro.tbd_blocks)
    widths = [stage.width for stage in config.macro.stages if isinstance(stage, TBD)]
    side = 1 if config.macro.global_pool else 4
    assert network.fc.linear.in_features == 4 * widths[-1] * side * side
    assert network.fc.linear.out_features == 100


def test_an_unknown_space_gets_a_hint() -> None:
    with pytest.raises(UserError, match=r"^unknown space 'SNN1'; did you mean 'SNN_1'\?$"):
        MACROS["SNN1"]
