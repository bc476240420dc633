"""What real event cameras have recorded, through the reader of CIFAR10-DVS."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from autosnn_nni.data import load_dataset
from autosnn_nni.data.event_files import read_events
from tests.autosnn_nni.data.recorded import CIFAR10, Events, counted, write_cifar10_dvs

FOLDER = Path(sys.prefix) / "recordings"
#: Sensors of 320 x 240, 346 x 260, 640 x 480 and 1280 x 720 pixels, of three makers.
FILES = ("dvs.es", "davis346.aedat4", "evt2.raw", "gen4.dat")

pytestmark = [pytest.mark.data, pytest.mark.usefixtures("home_without_network", "unchecked")]


def liveliest(file: str, tiles: int = 5) -> list[Events]:
    """The squares of 128 x 128 pixels of a recording that have most events."""
    import faery  # late: the other tests need no reader of recordings

    path = FOLDER / file
    assert path.exists(), f"{path} is missing: make test fetches it"
    whole = faery.events_stream_from_file(path).to_array()
    column, row = whole["x"] // 128, whole["y"] // 128
    tile = row.astype(int) * 100 + column
    numbers, counts = np.unique(tile, return_counts=True)
    chosen = numbers[counts.argsort()[-tiles:]]
    return [cut(whole[tile == number]) for number in chosen]


def cut(events: np.ndarray) -> Events:
    return {
        "t": (events["t"] - events["t"][0]).astype(np.int64),
        "x": events["x"].astype(np.int64) % 128,
        "y": events["y"].astype(np.int64) % 128,
        "p": events["on"].astype(np.int64),
    }


@pytest.mark.parametrize("file", FILES)
def test_a_camera_s_own_file_is_read_whole(file: str) -> None:
    import faery  # late, as above

    whole = faery.events_stream_from_file(FOLDER / file).to_array()
    found = read_events(FOLDER / file)
    assert len(whole) > 10_000
    for key, name in zip("txyp", ("t", "x", "y", "on"), strict=True):
        assert np.array_equal(found[key], whole[name])


@pytest.mark.parametrize("timesteps", [20, 8])
def test_real_recordings_become_frames_of_all_their_events(tmp_path: Path, timesteps: int) -> None:
    recordings = [one for file in FILES for one in liveliest(file)]
    assert sum(len(one["t"]) for one in recordings) > 1_000_000
    for number, name in enumerate(CIFAR10):
        pair = {0: recordings[2 * number], 1: recordings[2 * number + 1]}
        write_cifar10_dvs(tmp_path, pair, [name])
    data = load_dataset("CIFAR10DVS", tmp_path, timesteps)
    for images, ours in ((data.train, recordings[::2]), (data.test, recordings[1::2])):
        assert images.shape == (timesteps, 2, 128, 128)
        assert images.labels.tolist() == list(range(10))
        for frames, recording in zip(images.images.long(), ours, strict=True):
            assert torch.equal(frames, torch.from_numpy(counted(recording, timesteps)))
            darker, brighter = frames.sum((0, 2, 3)).tolist()
            assert (darker, brighter) == tuple(np.bincount(recording["p"], minlength=2))
            shares = frames.sum((1, 2, 3))
            assert shares[:-1].eq(len(recording["t"]) // timesteps).all()
