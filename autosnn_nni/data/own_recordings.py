"""A user's own recordings of event cameras, in folders by class."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autosnn_nni.data.cache import Parts, cached
from autosnn_nni.data.dataset import DataInfo, DataSource
from autosnn_nni.data.event_files import RECORDINGS, frames_of_file, read_events
from autosnn_nni.data.events import Events, Size, check_column
from autosnn_nni.data.folders import own_folder
from autosnn_nni.data.own_settings import SETTINGS
from autosnn_nni.data.tree import Tree, check_no_folder, collected, tree_of
from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json, write_whole


def of_recordings(path: Path, size: int | None) -> DataSource:
    """The data set in a folder of recordings; see :func:`own_source`.

    They are divided into T frames. With a ``size``, pixels are put together until the longer side
    of the sensor has so many.
    """
    tree = tree_of(path, RECORDINGS, "recordings")
    sensor = _sensor(tree)
    height, width = frame_size(sensor, size)
    names = tree.classes
    info = DataInfo(
        (2, height, width),
        len(names),
        names=names,
        held_out=tree.held_out,
        padding=0,
        flip=False,
        events=True,
        sensor=sensor,
        **SETTINGS,
    )

    def read(folder: Path | None, timesteps: int) -> Parts:
        check_no_folder(folder)

        def build(scratch: Path) -> Parts:
            def frames(*parts: str) -> Iterator[tuple[NDArray[Any], int]]:
                for file, label in tree.labelled(parts):
                    yield frames_of_file(file, timesteps, sensor, (height, width)), label

            train = collected(scratch, names, frames("train", "val"))
            return train, collected(scratch, names, frames("test"))

        variant = f"2x{height}x{width}-T{timesteps}"
        return cached("own", variant, tree.path, tree.stamps, build)

    return DataSource(str(tree.path), info, read)


def frame_size(sensor: Size, size: int | None) -> Size:
    """Height and width of the frames: the sensor's, or with ``size`` as its longer side."""
    longest = max(sensor)
    if size is None or size == longest:
        return sensor
    if size > longest:
        raise UserError(f"--size must be at most {longest}, the sensor's longer side, not {size}")
    height, width = (-(-side * size // longest) for side in sensor)
    return height, width


def _sensor(tree: Tree) -> Size:
    """Height and width that hold all events; they are kept, as finding them reads all files."""
    key = sha256(json.dumps([str(tree.path), tree.stamps], sort_keys=True).encode()).hexdigest()
    known = own_folder("own") / f"{key[:16]}-sensor.json"
    if known.is_file():
        height, width = read_json(known)
        return height, width
    largest = np.zeros(2, dtype=np.int64)
    for name in tree.files():
        largest = np.maximum(largest, _largest(read_events(tree.path / name), name))
    height, width = (int(last) + 1 for last in largest)
    write_whole(known, json.dumps([height, width]))
    return height, width


def _largest(events: Events, name: str) -> Sequence[int]:
    for key in "xy":
        check_column(events[key], key, name)
    if not len(events["t"]):
        raise UserError(f"{name} has no events; restore or remove it")
    return [int(events["y"].max()), int(events["x"].max())]
