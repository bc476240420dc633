"""A user's own data set: ``--dataset PATH`` of a folder, or of a file of numpy.

A folder has ``train/CLASS/`` and ``test/CLASS/`` with pictures or recordings in any depth, and
perhaps ``val/CLASS/``, which becomes D_val.
"""

from functools import cache
from pathlib import Path

from autosnn_nni.data.dataset import DataSource
from autosnn_nni.data.event_files import RECORDINGS
from autosnn_nni.data.own_arrays import of_arrays
from autosnn_nni.data.own_pictures import PICTURES, of_pictures
from autosnn_nni.data.own_recordings import of_recordings
from autosnn_nni.data.tree import files_in
from autosnn_nni.errors import UserError


def own_source(path: Path, size: int | None) -> DataSource:
    """The data set in a folder or an ``.npz`` file; it is named by its absolute path.

    ``size`` is the side in pixels that the pictures or recordings get; by default they keep theirs.
    Raises :class:`UserError` if there is none, or one that can't be learnt from.
    """
    if size is not None and size < 1:
        raise UserError(f"--size must be at least 1, not {size}")
    if path.is_dir():
        return _of_folder(path.resolve(), size)
    if path.suffix == ".npz" and path.is_file():
        return of_arrays(path.resolve(), size)
    raise UserError(f"{path} is neither a folder with train/ and test/ nor an .npz file")


def look_again() -> None:
    """Own data may have changed: what is known of them is found out again."""
    _of_folder.cache_clear()
    of_arrays.cache_clear()


@cache
def _of_folder(path: Path, size: int | None) -> DataSource:
    """Pictures, unless there are recordings alone."""
    pictures, recordings = (
        any(True for _ in files_in(path / "train", kind)) for kind in (PICTURES, RECORDINGS)
    )
    if pictures and recordings:
        raise UserError(f"{path}/train has pictures and recordings; keep one of them")
    return of_recordings(path, size) if recordings else of_pictures(path, size)
