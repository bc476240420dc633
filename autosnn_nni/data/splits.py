"""D_train and D_val from the training images, by seed (paper, Section 5.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from autosnn_nni.data.dataset import DataSet
from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError


@dataclass(frozen=True, eq=False)
class Splits:
    """D_train, D_val and the official test images of ``dataset``."""

    train: Images
    val: Images
    test: Images
    dataset: DataSet


def split(dataset: DataSet, *, seed: int, images: int | None = None) -> Splits:
    """Split the training images 8:2 into D_train and D_val by ``seed``, evenly in each class.

    ``images`` uses only that many training images, again even over the classes. Raises
    :class:`UserError` when there are fewer than that, or not one for each class.
    """
    order = _shuffle_within_classes(dataset.train.labels, seed)
    if images is not None:
        _check_count(dataset, images)
        order = order[torch.arange(images) * len(order) // images]
    train, val = _one_in_five(order)
    return Splits(dataset.train.subset(train), dataset.train.subset(val), dataset.test, dataset)


def split_evenly(images: Images, seed: int) -> tuple[Images, Images]:
    """Four fifths and one fifth of ``images``, evenly in each class, by ``seed``."""
    most, fifth = _one_in_five(_shuffle_within_classes(images.labels, seed))
    return images.subset(most), images.subset(fifth)


def _check_count(dataset: DataSet, images: int) -> None:
    least = max(dataset.classes, 5)  # with fewer than five D_val would be empty
    if not least <= images <= len(dataset.train):
        raise UserError(
            f"{dataset.name} cannot be searched with {images} training images; "
            f"choose from {least} to {len(dataset.train)}"
        )


def _shuffle_within_classes(labels: Tensor, seed: int) -> Tensor:
    """All indices, class after class, at random within each: every n-th is a fair sample."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return order[labels[order].argsort(stable=True)]


def _one_in_five(order: Tensor) -> tuple[Tensor, Tensor]:
    """Four of five indices and every fifth, each back in the order of the data set."""
    fifth = torch.arange(len(order)) % 5 == 4
    return order[~fifth].sort().values, order[fifth].sort().values
