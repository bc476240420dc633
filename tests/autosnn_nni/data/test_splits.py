"""D_train and D_val."""

from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.data import (
    Images,
    split,
)
from autosnn_nni.errors import UserError
from tests.autosnn_nni.data.made import numbered

SEEDS = st.integers(-(2**31), 2**31)


def numbers_of(images: Images) -> list[int]:
    low, high = images.images[:, :, 0, 0].long().unbind(1)
    return (low + 256 * high).tolist()


@given(count=st.integers(10, 600), classes=st.integers(1, 5), seed=SEEDS)
def test_d_train_and_d_val_are_disjoint_and_8_to_2(count: int, classes: int, seed: int) -> None:
    dataset = numbered(count, classes)
    splits = split(dataset, seed=seed)
    train, val = numbers_of(splits.train), numbers_of(splits.val)
    assert sorted(train + val) == list(range(count))
    assert len(val) == count // 5
    assert splits.test is dataset.test
    assert splits.train.labels.tolist() == [number % classes for number in train]
    shares = splits.val.labels.bincount(minlength=classes) - dataset.train.labels.bincount() / 5
    assert shares.abs().max() <= 1


@given(count=st.integers(9, 600), seed=SEEDS, data=st.data())
def test_images_uses_that_many(count: int, seed: int, data: st.DataObject) -> None:
    images = data.draw(st.integers(9, count))
    splits = split(numbered(count), seed=seed, images=images)
    used = numbers_of(splits.train) + numbers_of(splits.val)
    assert len(set(used)) == len(used) == images
    assert len(splits.val) == images // 5
    counts = torch.tensor([number % 3 for number in used]).bincount(minlength=3)
    expected = numbered(count).train.labels.bincount() * images / count
    assert (counts - expected).abs().max() <= 1


@given(count=st.integers(5, 20), seed=SEEDS, data=st.data())
def test_with_few_images_d_train_has_every_class_or_is_refused(
    count: int, seed: int, data: st.DataObject
) -> None:
    classes = data.draw(st.integers(1, 5))
    images = data.draw(st.none() | st.integers(5, count))
    dataset, used = numbered(count, classes), images or count
    with suppress(UserError):
        splits = split(dataset, seed=seed, images=images)
        assert splits.train.labels.unique().tolist() == list(range(classes))
        assert len(splits.train) + len(splits.val) == used
        return
    assert used < 3 * classes


@pytest.mark.parametrize("held_out", [0, 40])
def test_a_class_that_d_train_would_lose_is_named(held_out: int) -> None:
    labels = torch.cat([torch.zeros(1000), torch.ones(10), torch.zeros(held_out)]).long()
    images = Images(torch.zeros(len(labels), 1, 4, 4, dtype=torch.uint8), labels)
    dataset = replace(numbered(10, 3), train=images, names=("ant", "bee", "cow"), held_out=held_out)
    assert split(dataset, seed=0).train.labels.unique().tolist() == [0, 1]  # no cow is there at all
    with pytest.raises(UserError, match="no image of the class bee; give more --images, or add"):
        split(dataset, seed=0, images=50)
    with pytest.raises(UserError, match="no image of the class 1;"):
        split(replace(dataset, names=()), seed=0, images=50)


def test_the_seed_decides_the_split() -> None:
    dataset = numbered(100)
    first, again, other = (split(dataset, seed=seed, images=50) for seed in (1, 1, 2))
    assert numbers_of(first.val) == numbers_of(again.val)
    assert numbers_of(first.train) == numbers_of(again.train)
    assert numbers_of(first.val) != numbers_of(other.val)
    assert numbers_of(first.train) != numbers_of(other.train)


@pytest.mark.parametrize("images", [-1, 0, 4, 101])
def test_too_many_or_too_few_images_are_refused(images: int) -> None:
    with pytest.raises(UserError, match=f"{images} training images; choose from 5 to 100"):
        split(numbered(100), seed=0, images=images)


@pytest.mark.parametrize("images", [None, 3])
def test_a_data_set_too_small_to_validate_says_what_is_needed(images: int | None) -> None:
    with pytest.raises(UserError, match=r"numbered has 4 training images; .* needs at least 5"):
        split(numbered(4), seed=0, images=images)
