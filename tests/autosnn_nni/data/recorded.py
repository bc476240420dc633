"""Event cameras' recordings in the file formats in which the data sets are published."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: ``t``, ``x``, ``y``, ``p``, as SpikingJelly returns them.
Events = dict[str, NDArray[Any]]

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
GESTURES = range(11)
JAER_HEADER = (
    b"#!AER-DAT2.0\r\n"
    b"# This is a raw AE data file - do not edit\r\n"
    b"# Data format is int32 address, int32 timestamp (8 bytes total), repeated for each event\r\n"
    b"# Timestamps tick is 1 us\r\n"
)


def events(count: int, seed: int = 0, **given: int) -> Events:
    """Random events on 128 x 128 pixels, in the order of time; ``given`` fixes x, y or p."""
    random = np.random.default_rng(seed)
    return {
        "t": np.sort(random.integers(0, 100_000, count)),
        "x": random.integers(0, 128, count),
        "y": random.integers(0, 128, count),
        "p": random.integers(0, 2, count),
    } | {key: np.full(count, value) for key, value in given.items()}


def counted(recording: Events, timesteps: int) -> NDArray[np.int64]:
    """Frames ``[T, 2, 128, 128]`` of equally many events, by a histogram of all four axes."""
    count = len(recording["t"])
    frame = np.minimum(np.arange(count) // (count // timesteps), timesteps - 1)
    axes = np.stack([frame, recording["p"], recording["y"], recording["x"]], axis=1)
    sizes = (timesteps, 2, 128, 128)
    histogram, _ = np.histogramdd(axes, bins=sizes, range=[(0, size) for size in sizes])
    return histogram.astype(np.int64)


def aedat2(recording: Events) -> bytes:
    """AEDAT 2.0 of jAER: big-endian pairs of an address and a timestamp.

    The camera's address has its own x in bits 1 to 7, its y in bits 8 to 14, both from the far
    corner, and 0 in bit 0 for brighter. CIFAR10-DVS was recorded lying on its side.
    """
    address = (127 - recording["x"]) << 8 | (127 - recording["y"]) << 1 | (1 - recording["p"])
    return JAER_HEADER + np.stack([address, recording["t"]], axis=1).astype(">u4").tobytes()


def aedat3(recording: Events, packet: int = 1000) -> bytes:
    """AEDAT 3.1: packets of polarity events, and one of another type that has to be skipped."""
    data = recording["x"] << 17 | recording["y"] << 2 | recording["p"] << 1 | 1
    pairs = np.stack([data, recording["t"]], axis=1).astype("<u4")
    parts = [b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"]
    parts.append(struct.pack("<HHIIIIII", 0, 1, 8, 4, 0, 1, 1, 1) + bytes(8))
    for start in range(0, len(pairs), packet):
        part = pairs[start : start + packet]
        parts += [struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, *(len(part),) * 3), part.tobytes()]
    return b"".join(parts)


def write_cifar10_dvs(
    folder: Path, recordings: Mapping[int, Events], classes: Sequence[str] = CIFAR10
) -> None:
    """A zip for each class, with the same recordings by their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {number: aedat2(recording) for number, recording in recordings.items()}
    for name in classes:
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for number, content in contents.items():
                archive.writestr(f"{name}/cifar10_{name}_{number}.aedat", content)


def write_gestures(folder: Path, users: Mapping[str, Sequence[Events]], test: str) -> None:
    """DvsGesture.tar.gz: of each user one session of all gestures, one after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / "DvsGesture.tar.gz", "w:gz") as archive:

        def add(name: str, content: bytes) -> None:
            info = tarfile.TarInfo(f"DvsGesture/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))

        for user, gestures in users.items():
            session, labels = _session(gestures)
            add(f"{user}.aedat", aedat3(session))
            add(f"{user}_labels.csv", labels.encode())
        train = [user for user in users if user != test]
        add("trials_to_train.txt", "".join(f"{user}.aedat\n" for user in train).encode())
        add("trials_to_test.txt", f"{test}.aedat\n".encode())


def _session(gestures: Sequence[Events]) -> tuple[Events, str]:
    """All gestures with pauses between them, in which there are events as well."""
    parts, lines = [], ["class,startTime_usec,endTime_usec"]
    for number, gesture in enumerate(gestures):
        start = 1_000_000 * (number + 1)
        parts += [events(30, t=start - 5), {**gesture, "t": gesture["t"] + start}]
        lines.append(f"{number + 1},{start},{start + 100_000}")
    joined = {key: np.concatenate([part[key] for part in parts]) for key in ("t", "x", "y", "p")}
    return joined, "\n".join(lines) + "\n"
