"""Batches of images: order, augmentation, processes."""

import pickle
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autosnn_nni.data import (
    Batches,
    DataInfo,
    DataSet,
    DataSource,
    Images,
    split,
)
from autosnn_nni.errors import UserError
from tests.autosnn_nni.data.made import numbered, pixels
from tests.autosnn_nni.data.test_augment import loop_crop_and_flip

SEEDS = st.integers(-(2**31), 2**31)


def pictures(count: int, side: int = 8, *, flip: bool = True) -> DataSet:
    images = Images(torch.from_numpy(pixels(count, 3, side, side)), torch.arange(count) % 10)
    source = DataSource(
        "pictures", DataInfo((3, side, side), 10, padding=1, flip=flip), lambda _: (images, images)
    )
    return source.load()


def unzip(batches: Batches) -> tuple[Tensor, Tensor]:
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


def normalised(images: Tensor, dataset: DataSet) -> Tensor:
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (dataset.mean, dataset.std))
    return (images / 255 - mean) / std


def test_plain_batches_are_the_normalised_images_in_order() -> None:
    dataset = pictures(20)
    images, labels = unzip(Batches(dataset.train, dataset, batch_size=6))
    torch.testing.assert_close(images, normalised(dataset.train.images, dataset))
    assert images.dtype == torch.float32
    assert labels.tolist() == dataset.train.labels.tolist()
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3), correction=0), torch.ones(3))


@pytest.mark.parametrize("flip", [False, True])
def test_an_augmented_image_is_one_of_its_crops(flip: bool) -> None:
    dataset = pictures(60, flip=flip)
    images, labels = unzip(Batches(dataset.train, dataset, batch_size=60, augment=True))
    assert labels.tolist() == dataset.train.labels.tolist()
    seen = set()
    for image, original in zip(images, dataset.train.images, strict=True):
        choices = {
            (top, left, flipped): loop_crop_and_flip(original, 1, [top, left], flipped)
            for top in range(3)
            for left in range(3)
            for flipped in (False, True)
        }
        (found,) = (
            choice
            for choice, expected in choices.items()
            if torch.allclose(normalised(expected, dataset), image, atol=1e-5)
        )
        seen.add(found)
    assert {flipped for *_, flipped in seen} == ({False, True} if flip else {False})
    assert {(top, left) for top, left, _ in seen} == {(a, b) for a in range(3) for b in range(3)}


def test_cutout_is_the_only_difference_and_clips_at_the_border() -> None:
    dataset = pictures(200)
    whole, _ = unzip(Batches(dataset.train, dataset, batch_size=50))
    cut, labels = unzip(Batches(dataset.train, dataset, batch_size=50, cutout=True))
    assert labels.tolist() == dataset.train.labels.tolist()
    areas = set()
    for image, original in zip(cut, whole, strict=True):
        rows, columns = (image != original).all(0).nonzero(as_tuple=True)
        areas.add(len(rows))
        box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        expected = original.clone()
        expected[:, *box] = 0
        assert torch.equal(image, expected)
    # A side of 4 at 8x8 may lose up to half beyond a border.
    assert areas <= {a * b for a in (2, 3, 4) for b in (2, 3, 4)}
    assert {4, 16} <= areas


def everything(dataset: DataSet, *, batch_size: int = 8, epoch: int = 0, seed: int = 0) -> Batches:
    batches = Batches(
        dataset.train,
        dataset,
        batch_size=batch_size,
        shuffle=True,
        augment=True,
        cutout=True,
        seed=seed,
    )
    batches.set_epoch(epoch)
    return batches


@given(seed=SEEDS, epoch=st.integers(0, 600))
@settings(max_examples=20)
def test_the_same_seed_and_epoch_give_the_same_batches(seed: int, epoch: int) -> None:
    dataset = pictures(20)
    first = everything(dataset, seed=seed, epoch=epoch)
    unzip(first)
    for one, other in zip(
        unzip(first), unzip(everything(dataset, seed=seed, epoch=epoch)), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("change", [{"epoch": 1}, {"seed": 1}])
def test_another_epoch_or_seed_gives_others(change: dict[str, int]) -> None:
    dataset = pictures(20)
    first, second = unzip(everything(dataset)), unzip(everything(dataset, **change))
    assert first[1].tolist() != second[1].tolist()
    assert not torch.equal(first[0][first[1].argsort()], second[0][second[1].argsort()])


def test_the_batch_size_changes_neither_order_nor_augmentation() -> None:
    dataset = pictures(24)
    small, large = (unzip(everything(dataset, batch_size=size)) for size in (4, 24))
    assert torch.equal(small[0], large[0])
    assert torch.equal(small[1], large[1])


def test_the_global_random_state_is_neither_read_nor_changed() -> None:
    dataset = pictures(20)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = unzip(everything(dataset))
    split(dataset, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(unzip(everything(dataset))[0], first[0])


@given(count=st.integers(1, 40), size=st.integers(1, 12), shuffle=st.booleans())
def test_only_a_single_training_image_is_left_out(count: int, size: int, shuffle: bool) -> None:
    dataset = numbered(count)
    batches = Batches(dataset.train, dataset, batch_size=size, shuffle=shuffle)
    sizes = [len(labels) for _, labels in batches]
    alone = shuffle and size > 1 and count % size == 1
    assert len(batches) == len(sizes)
    assert sum(sizes) == count - alone
    assert all(full == size for full in sizes[:-1])


def test_a_shuffled_epoch_has_each_image_once() -> None:
    dataset = pictures(20)
    images, _ = unzip(Batches(dataset.train, dataset, batch_size=6, shuffle=True))
    plain = normalised(dataset.train.images, dataset)
    assert sorted(images.sum((1, 2, 3)).tolist()) == pytest.approx(
        sorted(plain.sum((1, 2, 3)).tolist()), abs=1e-3
    )


@pytest.fixture
def rank(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    def pretend(rank: int, ranks: int) -> None:
        monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.distributed, "get_rank", lambda: rank)
        monkeypatch.setattr(torch.distributed, "get_world_size", lambda: ranks)

    return pretend


@pytest.mark.parametrize(("count", "ranks"), [(12, 3), (13, 3), (2, 5), (17, 2)])
def test_processes_share_the_images_in_equally_many_batches(
    rank: Callable[[int, int], None], count: int, ranks: int
) -> None:
    dataset, seen, lengths = numbered(count), [], set()
    batches = Batches(dataset.train, dataset, batch_size=4, distributed=True)
    for number in range(ranks):
        rank(number, ranks)
        images, _ = unzip(batches)
        lengths.add((len(batches), len(images)))
        seen += ((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
    assert len(lengths) == 1
    assert set(seen) == set(range(count))
    assert len(seen) - count < ranks


def test_other_batches_are_whole_in_every_process(rank: Callable[[int, int], None]) -> None:
    """Lightning leaves the process group open, so what is tested after a training sees it."""
    dataset = numbered(10)
    rank(1, 2)
    batches = Batches(dataset.train, dataset, batch_size=4)
    assert len(batches) == 3
    assert unzip(batches)[1].tolist() == dataset.train.labels.tolist()


@pytest.mark.parametrize("size", [0, -3])
def test_a_batch_size_below_one_is_refused(size: int) -> None:
    dataset = numbered(10)
    with pytest.raises(UserError, match=f"batch size {size} is too small"):
        Batches(dataset.train, dataset, batch_size=size)


def test_the_data_set_is_on_the_device_once_it_is_asked_for() -> None:
    dataset = pictures(20)
    flags = {"shuffle": True, "augment": True, "cutout": True}
    batches = Batches(dataset.train, dataset, batch_size=8, device="meta", **flags)
    again = pickle.loads(pickle.dumps(batches))  # for another process, which has a GPU of its own
    for images, labels in again:
        assert (images.device.type, labels.device.type) == ("meta", "meta")
    assert dataset.train.images.device.type == "cpu"


def test_batches_do_not_write_to_the_images() -> None:
    dataset = pictures(20)
    before = dataset.train.images.clone()
    unzip(everything(dataset))
    assert torch.equal(dataset.train.images, before)


def test_padding_is_black_before_normalisation() -> None:
    white = Images(torch.full((64, 3, 8, 8), 255, dtype=torch.uint8), torch.zeros(64).long())
    dataset = DataSet("white", 1, white, white, (0.5,) * 3, (0.5,) * 3, 1, False)
    images, _ = unzip(Batches(white, dataset, batch_size=64, augment=True))
    assert set(images.flatten().tolist()) == {-1.0, 1.0}
