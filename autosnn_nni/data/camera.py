"""A simulated event camera, and images that move before it as CIFAR10's did (Li et al., 2017)."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from autosnn_nni.data.events import SIDE, Events

#: Counts changes of what is simulated: what is kept of another version is made anew.
VERSION = 1

_THRESHOLD = 0.4  # of log intensity, from one event of a pixel to its next
_DARK = 0.1  # intensity of black, where white is 1 more: no screen is without light
_ZOOM = 10
_RADIUS = 10  # pixels from the centre to the corners of the diamond
_STEP = 2000  # microseconds for a pixel to the side and one up or down

_Levels = NDArray[np.float64]


def record(image: NDArray[Any]) -> Events:
    """What the camera sees while ``image`` ``[8, 8]`` (0 to 1), magnified, goes around a diamond.

    A pixel sends an event whenever its log intensity is a threshold away from where it was at its
    last one, so that a large change is several events; there is no noise.
    """
    views = _views(_levels(image))
    before = next(views)
    sent, parts = before + _phases(), []
    for step, now in enumerate(views):
        parts.append(_events(sent, before, now, step))
        before = now
    t, x, y, p = np.concatenate(parts, axis=1)
    order = t.argsort(kind="stable")
    return {"t": t[order], "x": x[order], "y": y[order], "p": p[order]}


def _phases() -> _Levels:
    """How far, in thresholds, each pixel is from its last event when the recording begins."""
    return np.random.default_rng(0).uniform(-0.5, 0.5, SIDE * SIDE)


def _events(sent: _Levels, before: _Levels, now: _Levels, step: int) -> NDArray[np.int64]:
    """Rows ``t``, ``x``, ``y``, ``p`` of a step's events; ``sent`` is moved on to the last ones."""
    changes = np.trunc(now - sent)
    pixels = np.flatnonzero(changes != 0)
    counts = np.abs(changes[pixels]).astype(np.int64)
    # The first, second ... threshold that a pixel passes in this step.
    nth = np.arange(counts.sum()) - (counts.cumsum() - counts).repeat(counts) + 1
    pixels = pixels.repeat(counts)
    sign = np.sign(changes[pixels])
    passed = (sent[pixels] + sign * nth - before[pixels]) / (now - before)[pixels]
    sent += changes
    y, x = np.divmod(pixels, SIDE)
    return np.stack([((step + passed) * _STEP).astype(np.int64), x, y, (sign > 0).astype(np.int64)])


def _levels(image: NDArray[Any]) -> _Levels:
    """Log intensity in thresholds, with a dark border that the camera sees as the image moves.

    Rounded, so that the last bits of a processor's logarithms decide on no event.
    """
    pixels = F.pad(torch.as_tensor(image, dtype=torch.float64)[None, None], (1,) * 4)
    large = F.interpolate(pixels, scale_factor=_ZOOM, mode="bilinear")
    border = SIDE // 2 + _RADIUS - large.shape[-1] // 2
    screen = F.pad(large, (border,) * 4)[0, 0].numpy() + _DARK
    levels: _Levels = (np.log(screen) / _THRESHOLD).round(4)
    return levels


def _views(levels: _Levels) -> Iterator[_Levels]:
    """What the pixels see at each step ``[128 * 128]``: once around, back to the first."""
    corners = np.array([(0, 1), (1, 2), (2, 1), (1, 0), (0, 1)]) * _RADIUS
    places = [
        start + (end - start) // _RADIUS * step
        for start, end in pairwise(corners)
        for step in range(_RADIUS)
    ]
    for top, left in [*places, corners[-1]]:
        yield levels[top : top + SIDE, left : left + SIDE].flatten()
