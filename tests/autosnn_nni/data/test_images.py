"""Images in the order of a data set, and mixed ones."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.data import Images


def images_of(labels: torch.Tensor, timesteps: int = 0) -> Images:
    """Each shows its number."""
    shape = (len(labels), *([timesteps] if timesteps else []), 2, 1, 1)
    numbers = torch.arange(len(labels), dtype=torch.int16)
    return Images(numbers.view(-1, *[1] * (len(shape) - 1)).expand(shape), labels)


@pytest.mark.parametrize("timesteps", [0, 3])
@pytest.mark.parametrize("order", [list(range(10)), [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]])
def test_the_first_ones_of_data_in_the_order_of_classes_are_of_all(
    order: list[int], timesteps: int
) -> None:
    labels = torch.tensor(order).repeat_interleave(100)
    images = images_of(labels, timesteps)
    found = images.mixed()
    counts = found.labels[:200].bincount(minlength=10)
    assert counts.min() >= 10
    numbers = found.images.flatten(1)[:, 0].long()
    assert numbers.sort().values.equal(torch.arange(1000))  # every image once
    assert labels[numbers].equal(found.labels)  # with its own label
    assert images.mixed().labels.equal(found.labels)


@given(st.integers(2, 10), st.integers(0, 1000))
def test_mixed_data_stay_as_they_are(classes: int, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    images = images_of(torch.randint(classes, (400,), generator=rng))
    assert images.mixed() is images


def test_so_do_single_images_and_none() -> None:
    for count in 0, 1:
        images = images_of(torch.zeros(count, dtype=torch.long))
        assert images.mixed() is images
