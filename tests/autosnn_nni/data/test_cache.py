"""What is kept on disk is used only if it is whole and of the same data."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from autosnn_nni.data import Images
from autosnn_nni.data.cache import cached
from autosnn_nni.errors import UserError

pytestmark = pytest.mark.usefixtures("home_without_network")

SOURCE = {"a.zip": 12, "b.zip": 7}


class Builder:
    """Builds images of one value, and counts how often."""

    def __init__(self, value: int = 1) -> None:
        self.value, self.calls = value, 0

    def __call__(self, scratch: Path) -> tuple[Images, Images]:
        self.calls += 1
        assert list(scratch.iterdir()) == []
        (scratch / "half").touch()
        images = torch.full((40, 3, 2, 8, 8), self.value, dtype=torch.uint8)
        return Images(images, torch.arange(40)), Images(images[:9], torch.arange(9))


@pytest.fixture
def file(home_without_network: Path) -> Path:
    """What a first call has written."""
    cached("events", "T3", None, SOURCE, Builder())
    return home_without_network / ".cache/autosnn-nni/events/T3.pt"


def test_a_second_call_reads_what_the_first_has_written(file: Path) -> None:
    again = Builder(2)
    train, test = cached("events", "T3", None, SOURCE, again)
    assert again.calls == 0
    assert train.images.eq(1).all()
    assert (train.images.shape, test.images.shape) == ((40, 3, 2, 8, 8), (9, 3, 2, 8, 8))
    assert (train.labels.tolist(), test.labels.tolist()) == (list(range(40)), list(range(9)))
    assert {path.name for path in file.parent.iterdir()} == {"T3.pt", ".lock"}


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a flipped bit": flip_a_bit,
    "truncated": lambda file: os.truncate(file, file.stat().st_size // 2),
    "nearly whole": lambda file: os.truncate(file, file.stat().st_size - 1),
    "empty": lambda file: os.truncate(file, 0),
    "text": lambda file: file.write_text("frames"),
    "another tensor": lambda file: torch.save(torch.zeros(3), file),
    "another dictionary": lambda file: torch.save({"fingerprint": "0"}, file),
    "code": lambda file: torch.save({"fingerprint": Builder()}, file),
    "a pickle": lambda file: torch.save({"a": 1}, file, _use_new_zipfile_serialization=False),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_anything_else_in_its_place_is_made_anew(
    file: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = file.read_bytes()
    DAMAGE[damage](file)
    assert file.read_bytes() != whole
    again = Builder()
    train, _ = cached("events", "T3", None, SOURCE, again)
    assert again.calls == 1
    assert train.images.eq(1).all()
    assert f"{file} is damaged or of other data" in caplog.text
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    "source", [{}, {**SOURCE, "a.zip": 13}, {**SOURCE, "c.zip": 1}, {"a": 12, "b.zip": 7}]
)
def test_another_source_is_read_anew(file: Path, source: dict[str, int]) -> None:
    train, _ = cached("events", "T3", None, source, Builder(2))
    assert train.images.eq(2).all()
    assert len(list(file.parent.glob("*.pt"))) == 1


def test_timesteps_and_places_have_files_of_their_own(file: Path, tmp_path: Path) -> None:
    for value, (variant, place) in enumerate(
        [("T4", None), ("T3", tmp_path), ("T3", tmp_path / "other")], start=2
    ):
        for _ in range(2):
            train, _ = cached("events", variant, place, SOURCE, Builder(value))
            assert train.images.eq(value).all()
    assert cached("events", "T3", None, SOURCE, Builder(9))[0].images.eq(1).all()
    assert len(list(file.parent.glob("*.pt"))) == 4


def test_a_renamed_file_is_not_mistaken(file: Path) -> None:
    file.rename(file.with_name("T4.pt"))
    assert cached("events", "T4", None, SOURCE, Builder(2))[0].images.eq(2).all()


def test_what_is_mapped_survives_its_file(file: Path) -> None:
    train, _ = cached("events", "T3", None, SOURCE, Builder())
    cached("events", "T3", None, {}, Builder(2))
    file.unlink()
    assert train.images.eq(1).all()


def test_a_builder_that_fails_leaves_nothing(home_without_network: Path) -> None:
    def fail(scratch: Path) -> tuple[Images, Images]:
        (scratch / "half").touch()
        raise UserError("a recording has no events; restore it")

    with pytest.raises(UserError, match="no events"):
        cached("events", "T3", None, SOURCE, fail)
    folder = home_without_network / ".cache/autosnn-nni/events"
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_a_home_that_cannot_be_written_is_one_line(home_without_network: Path) -> None:
    (home_without_network / ".cache").write_text("not a folder")
    with pytest.raises(UserError, match=r"cannot write in .*events \(Not a directory\); free"):
        cached("events", "T3", None, SOURCE, Builder())


def test_a_full_disk_is_one_line(home_without_network: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(UserError, match=r"cannot write .*T3\.pt \(.*File too large\); free"):
            cached("events", "T3", None, SOURCE, Builder())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    folder = home_without_network / ".cache/autosnn-nni/events"
    assert [path.name for path in folder.iterdir()] == [".lock"]


PROCESS = """
import sys, time, torch
from pathlib import Path
from autosnn_nni.data import Images
from autosnn_nni.data.cache import cached
from autosnn_nni.data.collection import Collection

def build(scratch):
    images = Collection(scratch, ["only"])
    for _ in range(40):
        images.add(torch.ones(3, 2, 8, 8, dtype=torch.uint8).numpy(), 0)
    (scratch / "half").touch()
    print("building", flush=True)
    time.sleep(float(sys.argv[1]))
    return images.images(), images.images()

train, test = cached("events", "T3", None, {}, build)
assert train.images.eq(1).all()
"""


def start(seconds: float, home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(seconds)],
        env={**os.environ, "HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_processes_at_once_build_once(tmp_path: Path) -> None:
    processes = [start(1, tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert sorted(said) == ["", "building\n"]
    assert [process.returncode for process in processes] == [0, 0]


def test_a_killed_process_leaves_nothing_that_counts(home_without_network: Path) -> None:
    process = start(60, home_without_network)
    assert process.stdout is not None
    assert process.stdout.readline() == "building\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    folder = home_without_network / ".cache/autosnn-nni/events"
    assert (folder / ".scratch/half").exists()
    assert not list(folder.glob("*.pt"))
    begun = time.monotonic()
    again = Builder()  # asserts that its folder is empty
    cached("events", "T3", None, {}, again)
    assert again.calls == 1
    assert time.monotonic() - begun < 10
    assert {path.name for path in folder.iterdir()} == {"T3.pt", ".lock"}
