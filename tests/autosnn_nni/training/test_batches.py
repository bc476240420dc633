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
