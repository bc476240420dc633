"""Batches as tensors: for data this small, worker processes cost more than they save."""

import math
import random
from collections.abc import Iterator
from functools import cached_property

import torch
import torch.distributed as dist
from torch import Tensor

from autosnn_nni.data.augment import crop_and_flip, cut_out
from autosnn_nni.data.dataset import DataSet
from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError


class Batches:
    """An iterable of images float32 ``[B, C, H, W]`` and labels int64 ``[B]`` (paper, A.1).

    Images are normalised per channel with the data set's statistics; ``augment`` adds random
    crops and flips, ``cutout`` cuts a square out of each image (for retraining). Batches are made
    on ``device``, to which the data set is moved when the first one is requested; ``cuda`` is the
    requesting process's GPU. Order and augmentation depend only on ``seed`` and epoch, so a resumed
    run sees the same batches, and the global random state is not used.

    Events are float32 counts ``[B, T, 2, H, W]``, without normalisation or augmentation; only the
    recordings of a batch are read and moved to ``device``.

    The last batch may be smaller. With ``distributed`` each process of a distributed run gets every
    n-th image; a few images are repeated if needed to give all processes the same number of
    batches. Without it every process gets all images, also after a distributed training, whose
    process group Lightning leaves open. Raises :class:`UserError` for a batch size below 1.
    """

    def __init__(
        self,
        images: Images,
        dataset: DataSet,
        *,
        batch_size: int,
        shuffle: bool = False,
        augment: bool = False,
        cutout: bool = False,
        seed: int = 0,
        device: torch.device | str = "cpu",
        distributed: bool = False,
    ) -> None:
        if batch_size < 1:
            raise UserError(f"batch size {batch_size} is too small; choose 1 or more")
        self._device, self._dataset, self._images = device, dataset, images
        self._events = dataset.events
        self._padding, self._flip = dataset.padding, dataset.flip
        self._batch_size, self._shuffle = batch_size, shuffle
        self._augment, self._cutout = augment, cutout
        self._seed, self._epoch = seed, 0
        self._distributed = distributed

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that determines the next iteration's order and augmentation."""
        self._epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self._count() / self._batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = self._generator()
        order = self._order(generator)
        augmentation = None if self._events else self._draw(generator)
        indices, labels = order.to(self._device), self._labels
        for start in range(0, len(order), self._batch_size):
            rows = slice(start, start + self._batch_size)
            chosen = indices[rows]
            if augmentation is None:
                pixels = self._frames(order[rows])
            else:
                pixels = self._pixels(chosen, *augmentation)
            yield pixels, labels[chosen]

    @cached_property
    def _labels(self) -> Tensor:
        return self._images.labels.to(self._device)

    @cached_property
    def _stored(self) -> Tensor:
        return self._images.images.to(self._device)

    @cached_property
    def _scale_and_shift(self) -> tuple[Tensor, Tensor]:
        std = torch.tensor(self._dataset.std, device=self._device).view(-1, 1, 1)
        mean = torch.tensor(self._dataset.mean, device=self._device).view(-1, 1, 1)
        return 1 / (255 * std), -mean / std

    def _frames(self, chosen: Tensor) -> Tensor:
        return self._images.at(chosen).to(self._device).float()

    def _pixels(self, chosen: Tensor, corners: Tensor, flips: Tensor, centres: Tensor) -> Tensor:
        images = self._stored[chosen]
        if self._augment:
            images = crop_and_flip(images, self._padding, corners[chosen], flips[chosen])
        # Padded before normalisation, as by torchvision's transforms, so the border is black.
        scale, shift = self._scale_and_shift
        pixels = images.float().mul_(scale).add_(shift)
        return cut_out(pixels, centres[chosen]) if self._cutout else pixels

    def _generator(self) -> torch.Generator:
        """Make a generator on the CPU, so that batches are the same on every device."""
        mixed = random.Random(f"{self._seed}/{self._epoch}").getrandbits(63)
        return torch.Generator().manual_seed(mixed)

    def _count(self) -> int:
        """The number of images that this process sees in an epoch."""
        count = math.ceil(len(self._images) / self._share()[1])
        # Batch norm can't be trained on a single image, whose variance is zero.
        single = self._shuffle and count % self._batch_size == 1
        return count - single

    def _order(self, generator: torch.Generator) -> Tensor:
        total = len(self._images)
        order = torch.randperm(total, generator=generator) if self._shuffle else torch.arange(total)
        rank, ranks = self._share()
        own = torch.arange(self._count()) * ranks + rank
        return order[own % total]

    def _share(self) -> tuple[int, int]:
        """This process's rank, and the number of those that share the images."""
        return _rank_and_ranks() if self._distributed else (0, 1)

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Draw crop corners, flips and cutout centres of every image, independent of its batch."""
        total, device = len(self._images), self._device
        _, height, width = self._images.shape
        corners = torch.randint(2 * self._padding + 1, (total, 2), generator=generator)
        flips = (torch.rand(total, generator=generator) < 0.5) & self._flip
        rows = torch.randint(height, (total,), generator=generator)
        columns = torch.randint(width, (total,), generator=generator)
        centres = torch.stack([rows, columns], dim=1)
        return corners.to(device), flips.to(device), centres.to(device)


def _rank_and_ranks() -> tuple[int, int]:
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1
