"""Data sets and their registry."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from autosnn_nni.data.declared import as_declared, check_parts
from autosnn_nni.data.images import Images
from autosnn_nni.errors import UserError
from autosnn_nni.registry import Registry

#: Reads the official training and test images from a folder (``None``: the default folder); raises
#: :class:`UserError` if it can't. Readers of events also take the number of timesteps T into which
#: recordings are divided.
Reader = Callable[..., tuple[Images, Images]]


@dataclass(frozen=True)
class DataInfo:
    """Properties of a data set that are known before it is loaded.

    ``shape`` is ``(C, H, W)``; ``timesteps``, ``batch_size``, ``schedule``, ``augmentation`` and
    the epochs of stages 1 and 3 are default settings: the paper's (A.1), or those of
    ``docs/training.md`` for data sets on which they were measured; ``padding`` is the border of
    random crops in pixels; ``flip`` says whether a mirrored image keeps its label; ``events``,
    whether it comes from an event camera, whose frames are not normalised. ``names`` are those of
    the classes, if they have any; the last ``held_out`` training images are D_val; ``sensor`` is
    the height and width of the camera that recorded events.
    """

    shape: tuple[int, int, int]
    classes: int
    batch_size: int = 96
    schedule: str = "constant"
    augmentation: str = "paper"
    supernet_epochs: int = 600
    retrain_epochs: int = 600
    padding: int = 4
    flip: bool = True
    timesteps: int = 8
    events: bool = False
    names: tuple[str, ...] = ()
    held_out: int = 0
    sensor: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class DataSet:
    """A loaded data set with its official splits.

    ``mean`` and ``std`` are per channel, of the training pixels scaled to [0, 1], and 0 and 1 for
    events; ``padding``, ``flip``, ``events``, ``names``, ``held_out`` and ``sensor`` as in
    :class:`DataInfo`.
    """

    name: str
    classes: int
    train: Images
    test: Images
    mean: tuple[float, ...]
    std: tuple[float, ...]
    padding: int
    flip: bool
    events: bool = False
    names: tuple[str, ...] = ()
    held_out: int = 0
    sensor: tuple[int, int] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(C, H, W)`` of one image or of one frame of events."""
        channels, height, width = self.train.shape[-3:]
        return channels, height, width


@dataclass(frozen=True)
class DataSource:
    """A registry entry: the properties of a data set, and its reader."""

    name: str
    info: DataInfo
    read: Reader

    def load(self, folder: Path | None = None, timesteps: int | None = None) -> DataSet:
        """Read the data set, events in ``timesteps`` frames (by default ``info.timesteps``).

        Raises :class:`UserError` if it is not what ``info`` declares.
        """
        info = self.info
        train, test = self._read(folder, info.timesteps if timesteps is None else timesteps)
        mean, std = (0.0,) * info.shape[0], (1.0,) * info.shape[0]
        if not info.events:
            mean, std = _channel_statistics(train.images)
        return DataSet(
            self.name,
            info.classes,
            train,
            test,
            mean,
            std,
            info.padding,
            info.flip,
            info.events,
            info.names,
            info.held_out,
            info.sensor,
        )

    def _read(self, folder: Path | None, timesteps: int) -> tuple[Images, Images]:
        if timesteps < 1:
            raise UserError(f"--timesteps must be at least 1, not {timesteps}")
        info = self.info
        read = self.read(folder, timesteps) if info.events else self.read(folder)
        shape = (timesteps, *info.shape) if info.events else info.shape
        train, test = (
            as_declared(self.name, part, images, shape, info.classes, events=info.events)
            for part, images in zip(("training", "test"), check_parts(self.name, read), strict=True)
        )
        return train, test


DATASETS: Registry[DataSource] = Registry("data set")


def register_dataset(name: str, info: DataInfo) -> Callable[[Reader], Reader]:
    """Return a decorator that registers a reader as the data set ``name``."""

    def register(read: Reader) -> Reader:
        DATASETS.add(name, DataSource(name, info, read))
        return read

    return register


def _channel_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel, from histograms to avoid a float copy."""
    values = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for channel in images.unbind(dim=1):
        frequency = torch.bincount(channel.flatten(), minlength=256).double() / channel.numel()
        mean = (frequency * values).sum()
        means.append(float(mean))
        # 1 avoids a division by zero for a constant channel.
        stds.append(float((frequency * (values - mean) ** 2).sum().sqrt()) or 1.0)
    return tuple(means), tuple(stds)
