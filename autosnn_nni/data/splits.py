"""Split the training images into D_train and D_val by seed (paper, Section 5.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from autosnn_nni.data.dataset import DataSet
from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError

_LEAST = 5  # with fewer training images, D_val would be empty


@dataclass(frozen=True, eq=False)
class Splits:
    """D_train, D_val and the official test images of ``dataset``."""

    train: Images
    val: Images
    test: Images
    dataset: DataSet


def split(dataset: DataSet, *, seed: int, images: int | None = None) -> Splits:
    """Split the training images 8:2 into D_train and D_val by ``seed``, stratified by class.

    ``images`` limits the number of training images, also stratified. If the data set has a D_val of
    its own, that one is taken whole, and all the others are D_train. Raises :class:`UserError` if
    the data set has fewer, if they are too few for D_val, or if D_train would have none of a class.
    """
    if dataset.held_out:
        return _with_its_own(dataset, seed, images)
    if len(dataset.train) < _LEAST:
        raise UserError(
            f"{dataset.name} has {len(dataset.train)} training images; a search needs at least "
            f"{_LEAST}, as every fifth one is used for validation"
        )
    order = _shuffle_within_classes(dataset.train.labels, seed)
    if images is not None:
        _check_count(dataset, images, len(order))
        order = order[torch.arange(images) * len(order) // images]
    train, val = _one_in_five(order)
    _check_classes(dataset, dataset.train.labels, train)
    return Splits(dataset.train.subset(train), dataset.train.subset(val), dataset.test, dataset)


def _with_its_own(dataset: DataSet, seed: int, images: int | None) -> Splits:
    count = len(dataset.train) - dataset.held_out
    order = _shuffle_within_classes(dataset.train.labels[:count], seed)
    if images is not None:
        _check_count(dataset, images, count)
        order = order[torch.arange(images) * count // images]
    _check_classes(dataset, dataset.train.labels[:count], order)
    val = torch.arange(count, len(dataset.train))
    train = dataset.train.subset(order.sort().values)
    return Splits(train, dataset.train.subset(val), dataset.test, dataset)


def split_evenly(images: Images, seed: int) -> tuple[Images, Images]:
    """Split ``images`` 8:2 by ``seed``, stratified by class."""
    most, fifth = _one_in_five(_shuffle_within_classes(images.labels, seed))
    return images.subset(most), images.subset(fifth)


def _check_count(dataset: DataSet, images: int, count: int) -> None:
    least = max(dataset.classes, _LEAST)
    if not least <= images <= count:
        raise UserError(
            f"{dataset.name} cannot be searched with {images} training images; "
            f"choose from {least} to {count}"
        )


def _check_classes(dataset: DataSet, labels: Tensor, train: Tensor) -> None:
    """Refuse a D_train of the rows ``train`` without a class that is among ``labels``."""
    every, kept = (set(one.tolist()) for one in (labels.unique(), labels[train].unique()))
    if missing := sorted(every - kept):
        label = missing[0]
        name = dataset.names[label] if dataset.names else label
        raise UserError(
            f"{dataset.name}: D_train would have no image of the class {name}; give more --images, "
            "or add images of this class"
        )


def _shuffle_within_classes(labels: Tensor, seed: int) -> Tensor:
    """Indices sorted by class, shuffled within each; every n-th is a stratified sample."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return order[labels[order].argsort(stable=True)]


def _one_in_five(order: Tensor) -> tuple[Tensor, Tensor]:
    """Four of five indices and every fifth index, each in the order of the data set."""
    fifth = torch.arange(len(order)) % 5 == 4
    return order[~fifth].sort().values, order[fifth].sort().values
