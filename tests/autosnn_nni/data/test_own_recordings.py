"""A user's own recordings: folders by class, in the formats that cameras write."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autosnn_nni.data import find_source, load_dataset, split
from autosnn_nni.data.event_files import frames_of_file, read_events
from autosnn_nni.data.events import to_frames
from autosnn_nni.data.pictures import read_picture
from autosnn_nni.errors import UserError
from tests.autosnn_nni.data.test_own import picture

pytestmark = pytest.mark.usefixtures("home_without_network")

Events = dict[str, Any]


def events(seed: int, height: int = 20, width: int = 30, count: int = 200) -> Events:
    """Random ones; the first two are in the corners of the sensor."""
    random = np.random.default_rng(seed)
    x, y = random.integers(0, width, count), random.integers(0, height, count)
    x[:2], y[:2] = (0, width - 1), (0, height - 1)
    return {"t": np.arange(count) * 7, "x": x, "y": y, "p": random.integers(0, 2, count)}


def save_npz(path: Path, recording: Events) -> None:
    np.savez(path, **recording)


def save_npy(path: Path, recording: Events) -> None:
    rows = np.zeros(len(recording["t"]), [(key, np.int64) for key in "txyp"])
    for key in "txyp":
        rows[key] = recording[key]
    np.save(path, rows)


def save_bin(path: Path, recording: Events) -> None:
    rows = zip(*(recording[key].tolist() for key in "xypt"), strict=True)
    path.write_bytes(
        b"".join(bytes([x, y]) + ((p << 23) | t).to_bytes(3, "big") for x, y, p, t in rows)
    )


def save_aedat(path: Path, recording: Events) -> None:
    rows = list(zip(*(recording[key].tolist() for key in "xypt"), strict=True))
    data = b"".join(struct.pack("<II", (x << 17) | (y << 2) | (p << 1), t) for x, y, p, t in rows)
    header = struct.pack("<HHIIIIII", 1, 0, 8, 0, 0, len(rows), len(rows), len(rows))
    path.write_bytes(b"#!AER-DAT3.1\r\n#!END-HEADER\r\n" + header + data)


SAVE: dict[str, Callable[[Path, Events], None]] = {
    ".npz": save_npz,
    ".npy": save_npy,
    ".bin": save_bin,
    ".aedat": save_aedat,
}


def fill(folder: Path, suffix: str = ".npz", **options: int) -> Path:
    for part, count in (("train", 4), ("test", 2)):
        for label, name in enumerate(("left", "right")):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                path = folder / part / name / f"{number}{suffix}"
                SAVE[suffix](path, events(10 * label + number, **options))
    return folder


@pytest.mark.parametrize("suffix", SAVE)
def test_every_format_gives_the_same_events(suffix: str, tmp_path: Path) -> None:
    recording = events(3)
    SAVE[suffix](tmp_path / f"x{suffix}", recording)
    found = read_events(tmp_path / f"x{suffix}")
    for key in "txyp":
        assert np.array_equal(found[key], recording[key]), key


@pytest.mark.parametrize("suffix", SAVE)
def test_a_folder_becomes_frames_as_large_as_the_sensor(suffix: str, tmp_path: Path) -> None:
    folder = fill(tmp_path / "gestures", suffix)
    info = find_source(str(folder)).info
    assert (info.shape, info.classes, info.events) == ((2, 20, 30), 2, True)
    data = load_dataset(str(folder), timesteps=4)
    assert data.names == ("left", "right")
    assert data.train.images.shape == (8, 4, 2, 20, 30)
    expected = to_frames(events(11), 4, "it", (20, 30))
    assert np.array_equal(data.train.images[5].numpy(), expected)
    assert data.test.labels.tolist() == [0, 0, 1, 1]


def test_a_size_puts_pixels_together_and_loses_no_event(tmp_path: Path) -> None:
    folder = fill(tmp_path / "gestures")
    whole = load_dataset(str(folder), timesteps=4)
    small = load_dataset(str(folder), timesteps=4, size=10)
    assert small.shape == (2, 7, 10)
    assert small.train.images.sum() == whole.train.images.sum()
    pixels = whole.train.images[0].numpy().astype(int)
    together = np.zeros((4, 2, 7, 10), int)
    for y in range(20):
        for x in range(30):
            together[:, :, y * 10 // 30, x * 10 // 30] += pixels[:, :, y, x]
    assert np.array_equal(small.train.images[0].numpy(), together)


@pytest.mark.parametrize(
    ("dtype", "height", "width"),
    [("uint8", 120, 200), ("int16", 480, 640), ("uint16", 480, 640), ("float32", 480, 640)],
)
def test_columns_of_small_types_are_put_together_as_others(
    dtype: str, height: int, width: int, tmp_path: Path
) -> None:
    size = (height // 5, width // 5)
    whole = events(4, height, width, count=5000)
    for name, recording in (
        ("whole", whole),
        ("small", {**whole, **{key: whole[key].astype(dtype) for key in "xy"}}),
    ):
        save_npz(tmp_path / f"{name}.npz", recording)
    expected, found = (
        frames_of_file(tmp_path / f"{name}.npz", 4, (height, width), size)
        for name in ("whole", "small")
    )
    assert np.array_equal(found, expected)
    last = expected.sum((0, 1))
    assert last[0, 0] > 0 < last[-1, -1]  # the corners of the sensor


def test_a_recording_alone_is_read_as_those_of_the_folder(tmp_path: Path) -> None:
    folder = fill(tmp_path / "gestures")
    data = load_dataset(str(folder), timesteps=4, size=10)
    for number, suffix in enumerate(SAVE):
        path = folder / f"one{suffix}"
        SAVE[suffix](path, events(number))
        found = read_picture(path, (4, 2, 7, 10), data.sensor)
        assert np.array_equal(found.numpy(), data.train.images[number].numpy())
    np.save(folder / "frames.npy", data.train.images[0].numpy().astype(np.int16))
    assert (
        read_picture(folder / "frames.npy", (4, 2, 7, 10), data.sensor)
        == found * 0 + data.train.images[0]
    ).all()


def test_d_val_is_the_folders_own(tmp_path: Path) -> None:
    folder = fill(tmp_path / "gestures")
    (folder / "test").rename(folder / "val")
    fill(tmp_path / "other")
    (tmp_path / "other/test").rename(folder / "test")
    parts = split(load_dataset(str(folder), timesteps=2), seed=0)
    assert [len(one) for one in (parts.train, parts.val, parts.test)] == [8, 4, 4]


def _larger(folder: Path) -> None:
    save_npz(folder / "train/left/0.npz", {**events(0), "x": -events(0)["x"]})


def _short(folder: Path) -> None:
    save_npz(folder / "train/left/0.npz", events(0, count=3))


def _text(folder: Path) -> None:
    save_npz(folder / "train/left/0.npz", {**events(0), "y": np.array(["a"] * 200)})


def _empty(folder: Path) -> None:
    for file in (folder / "test/left").iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "test/left/0.npz").write_text("x"), "left/0.npz is damaged"),
        (lambda folder: picture().save(folder / "train/left/a.png"), "pictures and recordings"),
        (_larger, "events with x from -29 to 0"),
        (
            lambda folder: save_npz(folder / "train/left/0.npz", events(0, count=3)),
            "3 events for 4",
        ),
        (
            lambda folder: [one.unlink() for one in (folder / "test/left").iterdir()],
            "no recordings",
        ),
    ],
)
def test_what_is_wrong_is_named(
    change: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "gestures")
    change(folder)
    with pytest.raises(UserError, match=message):
        load_dataset(str(folder), timesteps=4)


def test_a_size_above_the_sensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--size must be at most 30"):
        find_source(str(fill(tmp_path / "gestures")), 31)


def test_a_format_that_needs_a_library_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autosnn_nni.data.event_files.find_spec", lambda name: None)
    (tmp_path / "x.aedat4").write_text("")
    with pytest.raises(UserError, match=r"reading .aedat4 needs faery; run pip install"):
        read_events(tmp_path / "x.aedat4")
