"""The sizes of the batches on which networks are tested and calibrated."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from autosnn_nni.data import Splits
from autosnn_nni.scoring import batches
from autosnn_nni.scoring.batches import Batch, Scoring, calibration_batches, plain_batches


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
