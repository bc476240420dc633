import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import (
    MACROS,
    NETWORKS,
    Network,
    NetworkConfig,
    build_network,
    describe,
)

SHAPE = (3, 32, 32)
TABLE_3 = {
    "CIFARNet-Wu": {16: 0.71, 32: 2.83, 64: 11.28, 128: 45.05},
    "CIFARNet-Fang": {16: 0.16, 32: 0.60, 64: 2.34, 128: 9.23, 256: 36.72},
    "ResNet11-Lee": {16: 1.16, 32: 4.60, 64: 18.30},  # printed: 1.17; it is 1.1648
    "ResNet19-Zheng": {16: 0.23, 32: 0.93, 64: 3.68, 128: 14.69},
    "AutoSNN-0.08": {16: 0.42, 32: 1.46, 64: 5.44, 128: 20.92},
}
ROWS = [(name, c, millions) for name, row in TABLE_3.items() for c, millions in row.items()]


@pytest.mark.parametrize(("name", "channels", "millions"), ROWS)
def test_parameters_round_to_table_3(name: str, channels: int, millions: float) -> None:
    network = NETWORKS[name]
    config = NetworkConfig(network.space, shape=SHAPE, classes=10, channels=channels, timesteps=1)
    described = describe(build_network(config, network.blocks), config, network.blocks)
    assert round(described.parameters / 1e6, 2) == millions


def test_a_macro_architecture_without_tbd_blocks_is_a_network() -> None:
    by_hand = [name for name, macro in MACROS.items() if not macro.tbd_blocks]
    assert all(NETWORKS[name] == Network(name) for name in by_hand)
    assert set(by_hand) <= set(NETWORKS)
    assert {"CIFARNet-Wu", "CIFARNet-Fang", "ResNet11-Lee", "ResNet19-Zheng"} <= set(by_hand)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_a_block_for_every_tbd_block(name: str) -> None:
    network = NETWORKS[name]
    config = NetworkConfig(network.space, shape=(2, 128, 128), classes=10)
    assert config.check(network.blocks) == network.blocks


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("CIFARNet-Fang-DVS4", [64, 32, 16, 8]),
        ("CIFARNet-Fang-DVS5", [64, 32, 16, 8, 4]),
        ("ResNet17-Zheng-DVS", [64, 32, 16, 8, 4]),
        ("AutoSNN-0.08", [64, 32, 16, 8, 4]),
    ],
)
def test_event_frames_are_halved_again_and_again(name: str, sizes: list[int]) -> None:
    network = NETWORKS[name]
    config = NetworkConfig(network.space, shape=(2, 128, 128), classes=11)
    sides = [placed.after[1] for placed in config.stages]
    assert list(dict.fromkeys(side for side in sides if side not in (128, 1))) == sizes


def test_an_unknown_network_gets_a_hint() -> None:
    with pytest.raises(UserError, match=r"^unknown network 'ResNet19'; did you mean 'ResNet19-Zh"):
        NETWORKS["ResNet19"]
