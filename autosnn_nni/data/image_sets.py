"""The image data sets (A.2.1): each is a reader, registered by its decorator."""

from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from autosnn_nni.data.dataset import DataInfo, register_dataset
from autosnn_nni.data.folders import check_unused
from autosnn_nni.data.images import Images
from autosnn_nni.data.splits import split_evenly
from autosnn_nni.data.tiny_imagenet import read_tiny_imagenet
from autosnn_nni.data.torchvision_files import Published

_IDX = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
_CIFAR10 = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
_DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


# A mirrored digit is a different symbol, so digits and MNIST are not flipped.
_DIGITS = DataInfo(
    (1, 8, 8),
    classes=10,
    padding=1,
    flip=False,
    batch_size=32,
    supernet_epochs=120,
    retrain_epochs=20,
)


@register_dataset("digits", _DIGITS)
def digits(folder: Path | None) -> tuple[Images, Images]:
    """scikit-learn's built-in digits; ``folder`` is not used, and there is no official split."""
    from sklearn.datasets import load_digits  # here, because it is slow to import

    check_unused(folder)

    pixels, labels = load_digits(return_X_y=True)
    images = torch.from_numpy((pixels * (255 / 16)).round()).to(torch.uint8)
    return split_evenly(Images(images.view(-1, 1, 8, 8), torch.from_numpy(labels).long()), seed=0)


# The padding is magnified as well, so crops move as far as those of digits.
@register_dataset("digits64", replace(_DIGITS, shape=(1, 64, 64), padding=8))
def digits64(folder: Path | None) -> tuple[Images, Images]:
    """Digits magnified to the size of Tiny-ImageNet's images, to try its deeper stem offline."""
    train, test = (
        Images(part.images.repeat_interleave(8, 2).repeat_interleave(8, 3), part.labels)
        for part in digits(folder)
    )
    return train, test


# What two cores train well in an hour or two; see docs/training.md.
_FASHION = DataInfo(
    (1, 28, 28),
    classes=10,
    batch_size=64,
    schedule="one-cycle",
    augmentation="none",
    supernet_epochs=12,
    retrain_epochs=10,
)


@register_dataset("MNIST", replace(_FASHION, flip=False))
def mnist(folder: Path | None) -> tuple[Images, Images]:
    """MNIST's four idx files, compressed or not."""
    return Published("MNIST", "MNIST/raw", _IDX).read_idx(folder)


@register_dataset("FashionMNIST", _FASHION)
def fashion_mnist(folder: Path | None) -> tuple[Images, Images]:
    """Fashion-MNIST's four idx files; by default those of Debian's package if it is installed."""
    published = Published("FashionMNIST", "FashionMNIST/raw", _IDX)
    if folder is None and published.find(_DEBIAN_FASHION_MNIST):
        folder = _DEBIAN_FASHION_MNIST
    return published.read_idx(folder)


@register_dataset("FashionMNIST14", replace(_FASHION, shape=(1, 14, 14), padding=2))
def fashion_mnist_14(folder: Path | None) -> tuple[Images, Images]:
    """Fashion-MNIST at half its size: each pixel is the mean of four."""
    train, test = (Images(_halved(part.images), part.labels) for part in fashion_mnist(folder))
    return train, test


def _halved(pixels: Tensor) -> Tensor:
    return F.avg_pool2d(pixels.double(), 2).round().to(torch.uint8)


@register_dataset("CIFAR10", DataInfo((3, 32, 32), classes=10))
def cifar10(folder: Path | None) -> tuple[Images, Images]:
    """CIFAR-10's Python version."""
    return Published("CIFAR10", "cifar-10-batches-py", _CIFAR10).read(folder)


@register_dataset("CIFAR100", DataInfo((3, 32, 32), classes=100))
def cifar100(folder: Path | None) -> tuple[Images, Images]:
    """CIFAR-100's Python version, with its 100 fine labels."""
    return Published("CIFAR100", "cifar-100-python", ("train", "test", "meta")).read(folder)


@register_dataset("SVHN", DataInfo((3, 32, 32), classes=10))
def svhn(folder: Path | None) -> tuple[Images, Images]:
    """SVHN's cropped digits, without the extra training images."""
    # Flipped although these are digits, because A.1 augments SVHN like CIFAR.
    return Published("SVHN", "", ("train_32x32.mat", "test_32x32.mat")).read(folder)


@register_dataset("TinyImageNet", DataInfo((3, 64, 64), classes=200))
def tiny_imagenet(folder: Path | None) -> tuple[Images, Images]:
    """Tiny-ImageNet-200; its val split is used for testing, as the test split has no labels."""
    return read_tiny_imagenet(folder)
