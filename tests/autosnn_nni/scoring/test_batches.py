"""The sizes of the batches on which networks are tested and calibrated."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch

from autosnn_nni.data import Splits, load_dataset, split
from autosnn_nni.scoring import batches
from autosnn_nni.scoring.batches import (
    Batch,
    Scoring,
    calibration_batches,
    plain_batches,
    val_batches,
)


def sizes(found: Iterable[Batch]) -> list[int]:
    return [len(labels) for _, labels in found]


def test_small_images_are_tested_in_larger_batches(
    tiny_digits: Splits, tiny_scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sizes(plain_batches(tiny_digits, tiny_digits.test, tiny_scoring)) == [359]
    monkeypatch.setattr(batches, "PIXELS", 100 * 8 * 8 + 1)
    assert sizes(plain_batches(tiny_digits, tiny_digits.test, tiny_scoring)) == [100, 100, 100, 59]
    larger = replace(tiny_scoring, batch_size=200)
    assert sizes(plain_batches(tiny_digits, tiny_digits.test, larger)) == [200, 159]


def test_statistics_are_those_of_batches_as_in_training(
    tiny_digits: Splits, tiny_scoring: Scoring
) -> None:
    assert sizes(calibration_batches(tiny_digits, tiny_scoring)) == [24, 24]


def test_of_data_in_the_order_of_classes_a_sample_is_taken(tiny_scoring: Scoring) -> None:
    """As in folders by class: the first images would be of the first classes alone."""
    digits = split(load_dataset("digits"), seed=0)
    parts = (digits.train, digits.val)
    train, val = (one.subset(one.labels.argsort(stable=True)) for one in parts)
    data = replace(digits, train=train, val=val)
    for _, labels in calibration_batches(data, tiny_scoring):
        assert len(labels.unique()) > 5
    ((_, labels),) = val_batches(data, replace(tiny_scoring, val_images=60))
    assert labels.bincount(minlength=10).min() > 0
    whole = torch.cat([labels for _, labels in val_batches(data, tiny_scoring)])
    assert whole.sort().values.equal(val.labels)
