"""Images or recordings with their labels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from autosnn_nni.data.mapped import Mapped


@dataclass(frozen=True, eq=False)
class Images:
    """Images uint8 ``[N, C, H, W]`` (0 to 255) and their labels int64 ``[N]``.

    Recordings of an event camera are counts of events, uint8 or int16 ``[N, T, 2, H, W]``. They are
    too large to copy, so a subset only holds its ``rows`` (int64 ``[n]``) of ``stored``.
    """

    stored: Tensor | Mapped
    labels: Tensor
    rows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> Tensor:
        """All images. For a subset of events this is a copy; prefer :meth:`at`."""
        return self._tensor if self.rows is None else self._tensor[self.rows]

    @property
    def shape(self) -> tuple[int, ...]:
        """``(C, H, W)`` of one image, ``(T, 2, H, W)`` of one recording."""
        return tuple(self._tensor.shape[1:])

    def at(self, indices: Tensor) -> Tensor:
        """A copy of the images at ``indices`` (int64 ``[n]``), in that order."""
        return self._tensor[indices if self.rows is None else self.rows[indices]]

    def subset(self, indices: Tensor) -> "Images":
        """The images at ``indices`` (int64 ``[n]``), in that order."""
        labels = self.labels[indices]
        if len(self.shape) == 3:
            return Images(self.at(indices), labels)
        return Images(self.stored, labels, indices if self.rows is None else self.rows[indices])

    def mixed(self) -> "Images":
        """These images, of which any first ones are a sample.

        In most data sets they are. Where images of a class lie together, all are shuffled, always
        in the same way.
        """
        if not self._by_class:
            return self
        return self.subset(torch.randperm(len(self), generator=torch.Generator().manual_seed(0)))

    def sample(self, count: int | None) -> "Images":
        """The first ``count`` of the mixed images, by default all."""
        return self.mixed().subset(torch.arange(len(self))[:count])

    @property
    def _by_class(self) -> bool:
        """Whether neighbours differ in their class less than half as often as in a random order."""
        differ = (self.labels.diff() != 0).double().mean()
        shares = self.labels.bincount() / len(self)
        return bool(differ < (1 - shares.square().sum()) / 2)

    @property
    def _tensor(self) -> Tensor:
        return self.stored.tensor if isinstance(self.stored, Mapped) else self.stored
