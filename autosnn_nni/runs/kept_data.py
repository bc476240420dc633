"""What a run's training images were when it began: its later stages must not use other ones.

D_val is drawn from the training images, so with other ones the supernet has learnt from some of
what the search scores on.
"""

from hashlib import sha256
from typing import Any

import torch

from autosnn_nni.data import DataSet, Splits
from autosnn_nni.errors import UserError
from autosnn_nni.formats import read_stamped, write_stamped
from autosnn_nni.runs.directory import RunDirectory, repeated
from autosnn_nni.runs.inputs import load_data
from autosnn_nni.runs.machine import Machine

#: So many images are looked at, evenly spaced.
_SAMPLE = 100

#: So much may the means of pictures differ, of 255: libraries decode JPEG and scale differently.
_NEAR = 1.0


def load_kept_data(run: RunDirectory, machine: Machine) -> Splits:
    """The run's data set, split by its seed.

    Raises :class:`UserError` if its training images are not those that the run began with.
    """
    data = load_data(run, machine)
    if run.data.exists() and "supernet" not in repeated(run):
        _check_same(run, data.dataset)
    return data


def keep_data(run: RunDirectory, data: Splits) -> None:
    """Write down what the run's training images are, unless it is known."""
    if not run.data.exists():
        write_stamped(run.data, _about(data.dataset))


def _check_same(run: RunDirectory, dataset: DataSet) -> None:
    there, here = read_stamped(run.data), _about(dataset)
    near = 0 if dataset.events else _NEAR
    try:
        same = all(there[key] == here[key] for key in ("images", "labels")) and all(
            abs(one - other) <= near
            for one, other in zip(there["means"], here["means"], strict=True)
        )
        counts = f"{there['images']:,} then, {here['images']:,} now"
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{run.data} is broken; restore it or start a new run") from None
    if not same:
        raise UserError(
            f"{dataset.name} has other training images than when {run.path} began ({counts}); "
            "restore them or choose another --output"
        )


def _about(dataset: DataSet) -> dict[str, Any]:
    """How many training images there are, a checksum of their classes, and means of a sample."""
    images, count = dataset.train, len(dataset.train)
    classes = repr((dataset.names, dataset.held_out, images.labels.tolist()))
    rows = torch.arange(min(count, _SAMPLE)) * count // min(count, _SAMPLE)
    means = images.at(rows).flatten(1).double().mean(1)
    return {
        "images": count,
        "labels": sha256(classes.encode()).hexdigest(),
        "means": means.tolist(),
    }
