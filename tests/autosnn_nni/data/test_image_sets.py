"""The embedded digits."""

from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits

from autosnn_nni.data import (
    load_dataset,
)

pytestmark = pytest.mark.usefixtures("home_without_network")


def test_digits_are_scikit_learns_scaled_to_bytes() -> None:
    dataset = load_dataset("digits")
    ours = torch.cat([dataset.train.images, dataset.test.images]).view(-1, 64)
    theirs = torch.from_numpy(load_digits().data * 255 / 16).round().to(torch.uint8)
    assert sorted(ours.tolist()) == sorted(theirs.tolist())
    assert dataset.shape == (1, 8, 8)
    assert (len(dataset.train), len(dataset.test)) == (1438, 359)
    assert dataset.test.labels.bincount().min() >= 34


def test_digits64_are_digits_magnified() -> None:
    small, large = load_dataset("digits"), load_dataset("digits64")
    assert large.shape == (1, 64, 64)
    for one, other in ((small.train, large.train), (small.test, large.test)):
        assert torch.equal(one.images.kron(torch.ones(8, 8, dtype=torch.uint8)), other.images)
        assert torch.equal(one.labels, other.labels)
    assert (large.mean, large.std) == (small.mean, small.std)


def test_digits_have_one_official_split(tmp_path: Path) -> None:
    first, second = load_dataset("digits"), load_dataset("digits", tmp_path)
    assert torch.equal(first.test.images, second.test.images)
