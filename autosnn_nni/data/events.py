"""Convert the events of a camera to frames, as in the paper (A.1)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autosnn_nni.errors import UserError

#: Rows and columns of the cameras that recorded CIFAR10-DVS and DVS128-Gesture.
SIDE = 128

#: ``x``, ``y``, ``t`` (in microseconds) and ``p`` (0: darker, 1: brighter), each ``[events]``.
Events = Mapping[str, NDArray[Any]]
#: Rows and columns.
Size = tuple[int, int]


def to_frames(events: Events, timesteps: int, name: str, size: Size = (SIDE, SIDE)) -> NDArray[Any]:
    """Count events in ``timesteps`` frames ``[T, 2, H, W]`` of equally many events.

    ``H`` is ``y``, ``W`` is ``x``, of this ``size``, and the two channels are darker and brighter;
    the last frame also has the remainder. Counts are uint8, or int16 if one is above 255. Raises
    :class:`UserError` if the events of the recording ``name`` are invalid or fewer than the frames.
    They are sorted by time first.
    """
    from spikingjelly.datasets import integrate_events_by_fixed_frames_number  # slow to import

    _check(events, timesteps, name, size)
    whole = {key: events[key].astype(np.int64, copy=False) for key in "xyp"}  # to count with
    events = _in_order({"t": events["t"], **whole})
    counts = integrate_events_by_fixed_frames_number(events, "number", timesteps, *size)
    most = counts.max()
    if most > np.iinfo(np.int16).max:
        raise UserError(
            f"{name} has {most:.0f} events at one pixel of a frame; choose more --timesteps"
        )
    return counts.astype(np.uint8 if most <= np.iinfo(np.uint8).max else np.int16)


def _in_order(events: Events) -> Events:
    t = events["t"]
    if (t[1:] >= t[:-1]).all():
        return events
    order = t.argsort(kind="stable")
    return {key: column[order] for key, column in events.items()}


def _check(events: Events, timesteps: int, name: str, size: Size) -> None:
    for key in "txyp":
        check_column(events[key], key, name)
    count = len(events["t"])
    if count == 0:
        raise UserError(f"{name} has no events; restore it")
    if count < timesteps:
        raise UserError(
            f"{name} has {count} events for {timesteps} frames; choose fewer --timesteps"
        )
    for key, limit in (("x", size[1]), ("y", size[0]), ("p", 2)):
        least, most = events[key].min(), events[key].max()
        if least < 0 or most >= limit:
            raise UserError(
                f"{name} has events with {key} from {least} to {most} instead of 0 to "
                f"{limit - 1}; restore it"
            )


def check_column(column: NDArray[Any], key: str, name: str) -> None:
    """Raise :class:`UserError` unless a column of the recording ``name`` has numbers."""
    if column.ndim != 1:
        problem = f"{key} of shape {list(column.shape)} instead of [events]"
    elif not (np.issubdtype(column.dtype, np.number) or column.dtype == bool):
        problem = f"{key} of type {column.dtype} instead of numbers"
    elif not np.isfinite(column).all():
        problem = f"{key} that are not numbers"
    elif key != "t" and (column != np.floor(column)).any():
        problem = f"{key} that are not whole numbers"
    else:
        return
    raise UserError(f"{name} has events with {problem}; restore it")
