from dataclasses import replace

import pytest
import torch
from torch import Tensor

from autosnn_nni.data import Batches, Splits
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.hyperparameters import Training


def images_of(batches: Batches) -> Tensor:
    """All images of an epoch, in a fixed order."""
    return torch.unique(torch.cat([images for images, _ in batches]).flatten(1), dim=0)


@pytest.mark.parametrize("cutout", [False, True])
def test_without_augmentation_images_are_as_they_are(
    cutout: bool, tiny_digits: Splits, tiny_training: Training
) -> None:
    training = replace(tiny_training, augmentation="none")
    plain = Batches(tiny_digits.train, tiny_digits.dataset, batch_size=50)
    found = images_of(train_batches(tiny_digits, training, cutout=cutout))
    assert torch.equal(found, images_of(plain))


def test_flips_alone_mirror_images(tiny_digits: Splits, tiny_training: Training) -> None:
    dataset = replace(tiny_digits.dataset, flip=True)
    data, training = (
        replace(tiny_digits, dataset=dataset),
        replace(tiny_training, augmentation="flip"),
    )
    whole = images_of(Batches(data.train, dataset, batch_size=50)).unflatten(1, dataset.shape)
    known = {image.numpy().tobytes() for image in whole}
    mirrored = {image.flip(-1).contiguous().numpy().tobytes() for image in whole}
    found = images_of(train_batches(data, training, cutout=True)).unflatten(1, dataset.shape)
    assert len(found) == len(whole)
    flipped = [image.numpy().tobytes() for image in found]
    assert set(flipped) <= known | mirrored
    assert 0.3 < sum(image in mirrored - known for image in flipped) / len(flipped) < 0.7


def test_images_that_must_not_be_mirrored_are_not(
    tiny_digits: Splits, tiny_training: Training
) -> None:
    training = replace(tiny_training, augmentation="flip")
    plain = Batches(tiny_digits.train, tiny_digits.dataset, batch_size=50)
    assert torch.equal(images_of(train_batches(tiny_digits, training)), images_of(plain))


def test_only_the_papers_augmentation_cuts_squares_out(
    tiny_digits: Splits, tiny_training: Training
) -> None:
    def images(augmentation: str, *, cutout: bool) -> Tensor:
        training = replace(tiny_training, augmentation=augmentation)
        return images_of(train_batches(tiny_digits, training, cutout=cutout))

    cropped = images("crop", cutout=False)
    assert torch.equal(images("crop", cutout=True), cropped)
    assert torch.equal(images("paper", cutout=False), cropped)
    assert not torch.equal(images("paper", cutout=True), cropped)


def test_processes_share_the_images(
    tiny_digits: Splits, tiny_training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    shared = sum(len(labels) for _, labels in train_batches(tiny_digits, tiny_training))
    assert shared == len(tiny_digits.train) // 2
