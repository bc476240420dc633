"""A simulated event camera that records moving images, as in CIFAR10-DVS (Li et al., 2017)."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from autosnn_nni.data.events import SIDE, Events

#: Version of the simulation. Cached recordings of another version are made again.
VERSION = 1

_THRESHOLD = 0.4  # change of log intensity between two events of a pixel
_DARK = 0.1  # intensity of black (white is 1 more), because a screen always emits some light
_ZOOM = 10
_RADIUS = 10  # pixels from the centre to the corners of the diamond
_STEP = 2000  # microseconds for moving diagonally by one pixel

_Levels = NDArray[np.float64]


def record(image: NDArray[Any]) -> Events:
    """Record the magnified ``image`` ``[8, 8]`` (0 to 1) while it moves around a diamond.

    A pixel sends an event whenever its log intensity is a threshold away from that of its last
    event, so a large change gives several events; there is no noise.
    """
    views = _views(_levels(image))
    before = next(views)
    reference, parts = before + _phases(), []
    for step, now in enumerate(views):
        parts.append(_events(reference, before, now, step))
        before = now
    t, x, y, p = np.concatenate(parts, axis=1)
    order = t.argsort(kind="stable")
    return {"t": t[order], "x": x[order], "y": y[order], "p": p[order]}


def _phases() -> _Levels:
    """Distance of each pixel from its last event at the start of the recording, in thresholds."""
    return np.random.default_rng(0).uniform(-0.5, 0.5, SIDE * SIDE)


def _events(reference: _Levels, before: _Levels, now: _Levels, step: int) -> NDArray[np.int64]:
    """Rows ``t``, ``x``, ``y``, ``p`` of a step's events.

    ``reference``, the levels at the pixels' last events, is updated.
    """
    changes = np.trunc(now - reference)
    pixels = np.flatnonzero(changes != 0)
    counts = np.abs(changes[pixels]).astype(np.int64)
    # 1 for the first threshold that a pixel crosses in this step, 2 for the second, ...
    nth = np.arange(counts.sum()) - (counts.cumsum() - counts).repeat(counts) + 1
    pixels = pixels.repeat(counts)
    sign = np.sign(changes[pixels])
    share = (reference[pixels] + sign * nth - before[pixels]) / (now - before)[pixels]
    reference += changes
    y, x = np.divmod(pixels, SIDE)
    return np.stack([((step + share) * _STEP).astype(np.int64), x, y, (sign > 0).astype(np.int64)])


def _levels(image: NDArray[Any]) -> _Levels:
    """Log intensity in units of the threshold, with a dark border around the image.

    It is rounded, so that events don't depend on the last bits of a processor's logarithms.
    """
    pixels = F.pad(torch.as_tensor(image, dtype=torch.float64)[None, None], (1,) * 4)
    large = F.interpolate(pixels, scale_factor=_ZOOM, mode="bilinear")
    border = SIDE // 2 + _RADIUS - large.shape[-1] // 2
    screen = F.pad(large, (border,) * 4)[0, 0].numpy() + _DARK
    levels: _Levels = (np.log(screen) / _THRESHOLD).round(4)
    return levels


def _views(levels: _Levels) -> Iterator[_Levels]:
    """The camera's view ``[128 * 128]`` at each step of one round, back to the first view."""
    corners = np.array([(0, 1), (1, 2), (2, 1), (1, 0), (0, 1)]) * _RADIUS
    places = [
        start + (end - start) // _RADIUS * step
        for start, end in pairwise(corners)
        for step in range(_RADIUS)
    ]
    for top, left in [*places, corners[-1]]:
        yield levels[top : top + SIDE, left : left + SIDE].flatten()
