"""Data sets by name, or by the path of a user's own."""

import os
from pathlib import Path

from autosnn_nni.data.dataset import DATASETS, DataSet, DataSource
from autosnn_nni.data.own import look_again, own_source
from autosnn_nni.errors import UserError


def find_source(name: str, size: int | None = None) -> DataSource:
    """A registered data set by its name, or the user's own by its path.

    ``size`` is the side in pixels that own pictures get; by default they keep theirs.
    Raises :class:`UserError` for an unknown name, and for a path without a data set.
    """
    if name not in DATASETS and (os.sep in name or Path(name).exists()):
        return own_source(Path(name), size)
    source = DATASETS[name]
    if size is not None:
        raise UserError(f"--size is of your own pictures; {name} has its size")
    return source


def load_dataset(
    name: str, folder: Path | None = None, timesteps: int | None = None, size: int | None = None
) -> DataSet:
    """Load a data set by name from ``folder``, or from its default folder; own ones by their path.

    Events are divided into ``timesteps`` frames, by default ``DataInfo.timesteps``; own pictures
    are scaled to ``size`` x ``size`` pixels, by default not at all.
    Raises :class:`UserError` for an unknown name, a folder that can't be used, missing files that
    can't be downloaded, and damaged files.
    """
    look_again()
    return find_source(name, size).load(folder, timesteps)
