"""Data sets by name, and a data set of one's own."""

import pytest
import torch

from autosnn_nni.data import (
    DATASETS,
    DataInfo,
    DataSource,
    Images,
)
from autosnn_nni.errors import UserError
from tests.autosnn_nni.conftest import message

EVENTS = ("CIFAR10DVS", "DVS128Gesture", "digitsDVS")

pytestmark = pytest.mark.usefixtures("home_without_network")


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_is_described_without_loading(name: str) -> None:
    info = DATASETS[name].info
    paper = (96, 600, 600)
    chosen = (info.batch_size, info.supernet_epochs, info.retrain_epochs)
    assert chosen == ((32, 60, 20) if name.startswith("digits") else paper)
    assert info.events == (name in EVENTS)
    assert info.timesteps == (20 if info.events else 8)
    assert info.padding == {"digits": 1, "digits64": 8}.get(name, 0 if info.events else 4)
    assert info.flip == (name not in ("digits", "digits64", "MNIST", *EVENTS))


def test_a_data_set_of_ones_own_is_one_function() -> None:
    source = DataSource("mine", DataInfo((2, 4, 4), classes=3), lambda _: (GREY, GREY))
    assert source.load().shape == (2, 4, 4)
    assert source.load().std == (1.0, 1.0)


GREY = Images(torch.full((6, 2, 4, 4), 128, dtype=torch.uint8), torch.arange(6) % 3)


@pytest.mark.parametrize(
    ("images", "wrong"),
    [
        (Images(GREY.images, GREY.labels[1:]), "6 images and 5 labels"),
        (GREY.subset(torch.arange(0)), "0 images and 0 labels"),
        (Images(GREY.images[:, :1], GREY.labels), r"\(1, 4, 4\) instead of \(2, 4, 4\)"),
        (Images(GREY.images, GREY.labels + 1), "labels outside 0 to 2"),
    ],
)
def test_images_that_are_not_as_declared_are_refused(images: Images, wrong: str) -> None:
    source = DataSource("mine", DataInfo((2, 4, 4), classes=3), lambda _: (GREY, images))
    with pytest.raises(UserError, match=f"the mine files hold .*{wrong}"):
        source.load()


def test_an_unknown_data_set_suggests_a_known_one() -> None:
    assert "did you mean 'CIFAR10'?" in message("CIFAR-10", None)
