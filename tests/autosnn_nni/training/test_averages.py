"""Networks with average pools before leaky neurons learn by sums of spikes, and not by averages."""

from dataclasses import replace

import pytest

from autosnn_nni.data import Images, Splits, load_dataset, split
from autosnn_nni.search_spaces import MACROS, NetworkConfig
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.trained import TrainedNetwork

CHANCE = 0.1


def magnified(images: Images) -> Images:
    """16x16 pixels: on 8x8 the global average pool of SNN_2 would see a single one."""
    pixels = images.images.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return Images(pixels, images.labels)


@pytest.fixture(scope="module")
def data() -> Splits:
    data = split(load_dataset("digits"), seed=0, images=600)
    train, val, test = map(magnified, (data.train, data.val, data.test))
    return Splits(train, val, test, replace(data.dataset, train=train, test=test))


def trained(data: Splits, space: str, averages: str, epochs: int) -> TrainedNetwork:
    config = NetworkConfig(
        space, (1, 16, 16), classes=10, channels=8, timesteps=4, averages=averages
    )
    training = Training(epochs=epochs, batch_size=16, learning_rate=1e-2, device="cpu")
    return train_network(config, ("SRB_k3",) * MACROS[space].tbd_blocks, data, training)


@pytest.mark.parametrize(("space", "epochs"), [("SNN_2", 4), ("SNN_4", 4), ("CIFARNet-Wu", 8)])
def test_it_learns_by_sums(space: str, epochs: int, data: Splits) -> None:
    network = trained(data, space, "sum", epochs)
    assert network.accuracy > 2 * CHANCE
    assert all(layer.firing_rate > 0 for layer in network.test.layers)


def test_it_does_not_learn_by_averages(data: Splits) -> None:
    network = trained(data, "SNN_4", "mean", 4)
    assert network.accuracy == pytest.approx(CHANCE, abs=0.02)
    assert not any(layer.spikes for layer in network.test.layers if "pool" in layer.name)
