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


def to_frames(events: Events, timesteps: int, name: str) -> NDArray[Any]:
    """Count events in ``timesteps`` frames ``[T, 2, H, W]`` of equally many events.

    ``H`` is ``y``, ``W`` is ``x``, and the two channels are darker and brighter; the last frame
    also has the remainder. Counts are uint8, or int16 if one is above 255. Raises
    :class:`UserError` if the events of the recording ``name`` are invalid or fewer than the frames.
    """
    from spikingjelly.datasets import integrate_events_by_fixed_frames_number  # slow to import

    _check(events, timesteps, name)
    counts = integrate_events_by_fixed_frames_number(events, "number", timesteps, SIDE, SIDE)
    most = counts.max()
    if most > np.iinfo(np.int16).max:
        raise UserError(
            f"{name} has {most:.0f} events at one pixel of a frame; choose more --timesteps"
        )
    return counts.astype(np.uint8 if most <= np.iinfo(np.uint8).max else np.int16)


def _check(events: Events, timesteps: int, name: str) -> None:
    count = len(events["t"])
    if count == 0:
        raise UserError(f"{name} has no events; restore it")
    if count < timesteps:
        raise UserError(
            f"{name} has {count} events for {timesteps} frames; choose fewer --timesteps"
        )
    for key, limit in (("x", SIDE), ("y", SIDE), ("p", 2)):
        least, most = events[key].min(), events[key].max()
        if least < 0 or most >= limit:
            raise UserError(
                f"{name} has events with {key} from {least} to {most} instead of 0 to "
                f"{limit - 1}; restore it"
            )
