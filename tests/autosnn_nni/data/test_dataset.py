"""Data sets by name, and a data set of one's own."""

from typing import Any

import numpy as np
import pytest
import torch

from autosnn_nni.data import (
    DATASETS,
    DataInfo,
    DataSet,
    DataSource,
    Images,
)
from autosnn_nni.errors import UserError
from tests.autosnn_nni.conftest import message

EVENTS = ("CIFAR10DVS", "DVS128Gesture", "digitsDVS")
#: Schedule, augmentation, batch size and epochs that were measured; see ``docs/training.md``.
MEASURED = {
    "digits": ("constant", "paper", 32, 120, 20),
    "digits64": ("constant", "paper", 32, 120, 20),
    "digitsDVS": ("constant", "paper", 32, 60, 20),
    "MNIST": ("one-cycle", "none", 64, 12, 10),
    "FashionMNIST": ("one-cycle", "none", 64, 12, 10),
    "FashionMNIST14": ("one-cycle", "none", 64, 12, 10),
}
#: Borders of random crops: 4, but in proportion where images are brought to another size.
PADDING = {"digits": 1, "digits64": 8, "FashionMNIST14": 2}

pytestmark = pytest.mark.usefixtures("home_without_network")


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_is_described_without_loading(name: str) -> None:
    info = DATASETS[name].info
    epochs = (info.supernet_epochs, info.retrain_epochs)
    chosen = (info.schedule, info.augmentation, info.batch_size, *epochs)
    assert chosen == MEASURED.get(name, ("constant", "paper", 96, 600, 600))  # the paper's
    assert info.events == (name in EVENTS)
    assert info.timesteps == (20 if info.events else 8)
    assert info.padding == PADDING.get(name, 0 if info.events else 4)
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


def loaded(train: object, test: object = GREY, **info: object) -> DataSet:
    declared = DataInfo((2, 4, 4), classes=3, **info)  # type: ignore[arg-type]
    return DataSource("mine", declared, lambda *_: (train, test)).load()  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    "kind", [torch.uint8, torch.int8, torch.uint16, torch.int32, torch.uint32, torch.int64]
)
def test_labels_of_any_integer_type_are_converted(kind: torch.dtype) -> None:
    data = loaded(Images(GREY.images, GREY.labels.to(kind)))
    assert data.train.labels.dtype == torch.int64
    assert data.train.labels.tolist() == GREY.labels.tolist()


@pytest.mark.parametrize("labels", [np.int64, np.uint8, ">i4"])
def test_arrays_are_converted(labels: str) -> None:
    images = np.full((6, 2, 4, 4), 128, dtype=np.uint8)[:, ::-1]
    images.flags.writeable = False
    data = loaded(Images(images, (np.arange(6) % 3).astype(labels)))  # type: ignore[arg-type]
    assert torch.equal(data.train.images, GREY.images)
    assert torch.equal(data.train.labels, GREY.labels)


@pytest.mark.parametrize(
    ("images", "wrong"),
    [
        (Images(GREY.images / 255, GREY.labels), "images are float32 instead of uint8"),
        (Images(GREY.images.to(torch.uint16), GREY.labels), "images are uint16 instead of uint8"),
        (Images(GREY.images > 0, GREY.labels), "images are bool instead of uint8 from 0 to 255"),
        (Images(GREY.images.tolist(), GREY.labels), "images are of type list instead of a tensor"),
        (Images(GREY.images, GREY.labels.float()), "labels are float32 instead of int64"),
        (Images(GREY.images, GREY.labels > 0), "labels are bool instead of int64"),
        (
            Images(GREY.images, GREY.labels[:, None]),
            r"labels have the shape \[6, 1\] instead of one class per image, \[6\]",
        ),
        (Images(GREY.images, torch.eye(3)[GREY.labels].long()), r"labels have the shape \[6, 3\]"),
        (Images(GREY.images, torch.tensor(1)), r"labels have the shape \[\]"),
        (Images(GREY.images, np.array(["a"] * 6)), "labels are an array of <U1"),
        ((GREY.images, GREY.labels), "images are of type tuple instead of Images"),
    ],
)
def test_each_field_of_another_type_is_named(images: Any, wrong: str) -> None:
    with pytest.raises(UserError, match=f"^data set mine: training {wrong}.*; change the reader$"):
        loaded(images)
    with pytest.raises(UserError, match=f"^data set mine: test {wrong}"):
        loaded(GREY, images)


def test_events_are_counts() -> None:
    frames = torch.ones(6, 3, 2, 4, 4)
    for kind in (torch.uint8, torch.int16):
        counts = Images(frames.to(kind), GREY.labels)
        assert loaded(counts, counts, events=True, timesteps=3).train.images.dtype == kind
    counts = Images(frames, GREY.labels)
    with pytest.raises(UserError, match="images are float32 instead of counts of events, uint8 or"):
        loaded(counts, counts, events=True, timesteps=3)


@pytest.mark.parametrize("read", [None, GREY, (GREY,), (GREY, GREY, GREY)])
def test_a_reader_that_returns_something_else_is_named(read: Any) -> None:
    source = DataSource("mine", DataInfo((2, 4, 4), classes=3), lambda _: read)
    with pytest.raises(UserError, match=r"mine: its reader returns .* instead of training"):
        source.load()


def test_an_unknown_data_set_suggests_a_known_one() -> None:
    assert "did you mean 'CIFAR10'?" in message("CIFAR-10", None)
