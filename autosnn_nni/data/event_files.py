"""Recordings of event cameras in files of several formats."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autosnn_nni.data.events import Events, Size, check_column, to_frames
from autosnn_nni.data.folders import damage_reported
from autosnn_nni.errors import UserError


def _of_numpy(path: Path) -> Events:
    """``.npz`` with arrays ``t``, ``x``, ``y``, ``p``, or ``.npy`` with such fields."""
    content: Any = np.load(path, allow_pickle=False)
    columns = [np.asarray(content[key]) for key in "txyp"]
    if len({len(column) for column in columns}) > 1:
        raise ValueError("its columns differ in length")
    return dict(zip("txyp", columns, strict=True))


def _of_aedat(path: Path) -> Events:
    from spikingjelly.datasets import load_aedat_v3  # slow to import

    return dict(load_aedat_v3(str(path)))


def _of_atis(path: Path) -> Events:
    from spikingjelly.datasets import load_ATIS_bin  # slow to import

    if path.stat().st_size % 5:
        raise ValueError("an event has 5 bytes")
    return dict(load_ATIS_bin(str(path)))


def _of_faery(path: Path) -> Events:
    if find_spec("faery") is None:
        raise UserError(
            f"reading {path.suffix} needs faery; run pip install 'autosnn-nni[events]', or save "
            "recordings as .npz"
        )
    import faery

    whole = faery.events_stream_from_file(path).to_array()
    return {key: whole[name] for key, name in zip("txyp", ("t", "x", "y", "on"), strict=True)}


_READERS: Mapping[str, Callable[[Path], Events]] = {
    ".npz": _of_numpy,
    ".npy": _of_numpy,
    ".aedat": _of_aedat,
    ".bin": _of_atis,
    ".aedat4": _of_faery,
    ".es": _of_faery,
    ".raw": _of_faery,
    ".dat": _of_faery,
}
#: The endings of files with recordings.
RECORDINGS = tuple(_READERS)


def read_events(path: Path) -> Events:
    """The events of a recording; raises :class:`UserError` for a file that can't be read."""
    if not path.is_file():
        raise UserError(f"{path} does not exist; check the path")
    with damage_reported(path, "check it"):
        return _READERS[path.suffix.lower()](path)


def frames_of_file(path: Path, timesteps: int, sensor: Size, size: Size) -> NDArray[Any]:
    """A recording in frames ``[T, 2, H, W]`` of this ``size``.

    Raises :class:`UserError` for a file that can't be read, or one of a larger sensor.
    """
    events = read_events(path)
    if sensor != size:
        longest, wanted = max(sensor), max(size)
        for key in "xy":
            check_column(events[key], key, str(path))
        whole = {key: events[key].astype(np.int64) for key in "xy"}  # a smaller type overflows
        events = {**events, **{key: one * wanted // longest for key, one in whole.items()}}
    return to_frames(events, timesteps, str(path), size)
