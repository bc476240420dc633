"""DVS128-Gesture, from its archive and from what SpikingJelly makes of it."""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import spikingjelly.datasets

from autosnn_nni.data import DataSet, load_dataset
from tests.autosnn_nni.conftest import message
from tests.autosnn_nni.data.recorded import Events, counted, events, write_gestures

pytestmark = pytest.mark.usefixtures("home_without_network", "unchecked")

USERS = ("user01_led", "user02_lab", "user10_led")
#: Of each user eleven gestures that differ in their length.
SESSIONS = {
    user: [events(100 + 20 * gesture + index, seed=gesture) for gesture in range(11)]
    for index, user in enumerate(USERS)
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archive, to be read only; the last user is to test with."""
    folder = tmp_path_factory.mktemp("published")
    write_gestures(folder, SESSIONS, test=USERS[-1])
    return folder


def assert_right(data: DataSet, timesteps: int = 20) -> None:
    """All gestures, without the events between them, in the order of users."""
    for images, users in ((data.train, USERS[:2]), (data.test, USERS[2:])):
        assert images.labels.tolist() == [gesture for gesture in range(11) for _ in users]
        expected = [
            counted(SESSIONS[user][gesture], timesteps) for gesture in range(11) for user in users
        ]
        assert np.array_equal(images.images.numpy(), np.stack(expected))


@pytest.mark.parametrize("timesteps", [20, 3])
def test_gestures_are_cut_out_and_split_as_published(published: Path, timesteps: int) -> None:
    data = load_dataset("DVS128Gesture", published, timesteps)
    assert_right(data, timesteps)
    assert (data.shape, data.classes, data.events) == ((2, 128, 128), 11, True)
    assert [path.name for path in published.iterdir()] == ["DvsGesture.tar.gz"]


def test_the_archive_may_lie_in_spikingjellys_folder(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "data/download")
    assert_right(load_dataset("DVS128Gesture", tmp_path / "data"))


def test_a_folder_that_spikingjelly_has_prepared_is_enough(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "download")
    for name in ("gesture_mapping.csv", "LICENSE.txt", "README.txt"):
        (tmp_path / "download" / name).touch()
    spikingjelly.datasets.DVS128Gesture(tmp_path)
    for name in ("download", "extract"):
        shutil.rmtree(tmp_path / name)
    assert_right(load_dataset("DVS128Gesture", tmp_path))


def test_the_second_channel_is_brighter_and_rows_are_y(tmp_path: Path) -> None:
    recording = events(40, x=7, y=90, p=1)
    write_gestures(tmp_path, {user: [recording] * 11 for user in USERS}, test=USERS[-1])
    frames = load_dataset("DVS128Gesture", tmp_path).test.images
    assert frames[:, :, 1, 90, 7].eq(2).all()
    assert frames.sum() == 11 * 40


def test_what_is_read_once_is_kept(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_dataset("DVS128Gesture", published)
    monkeypatch.setattr("autosnn_nni.data.recordings.to_frames", None)
    assert_right(load_dataset("DVS128Gesture", published))


# ---- what can go wrong --------------------------------------------------------------------


def test_without_the_archive_its_name_is_said(tmp_path: Path) -> None:
    said = message("DVS128Gesture", tmp_path)
    assert said.startswith(f"DVS128Gesture is not in {tmp_path}; put DvsGesture.tar.gz there")
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]


def test_a_truncated_archive_is_named(published: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(published / "DvsGesture.tar.gz", tmp_path))
    file.write_bytes(file.read_bytes()[:-500])
    assert f"{file} is damaged or not the published data (" in message("DVS128Gesture", tmp_path)
    assert file.exists()


def test_an_archive_of_something_else_is_named(tmp_path: Path) -> None:
    file = tmp_path / "DvsGesture.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(__file__, "DvsGesture/README.txt")
    assert f"{file} is damaged or not the published data (" in message("DVS128Gesture", tmp_path)


def write_other(folder: Path, recording: Events) -> None:
    sessions = {**SESSIONS, USERS[0]: [recording, *SESSIONS[USERS[0]][1:]]}
    write_gestures(folder, sessions, test=USERS[-1])


@pytest.mark.parametrize(
    ("recording", "wrong"),
    [
        (events(30, x=128), "has events with x from 128 to 128 instead of 0 to 127"),
        (events(30, y=300), "has events with y from 300 to 300 instead of 0 to 127"),
        (events(0), "has no events"),
        (events(5), "has 5 events for 20 frames"),
    ],
)
def test_events_that_no_camera_sends_are_refused(
    tmp_path: Path, recording: Events, wrong: str
) -> None:
    write_other(tmp_path, recording)
    assert f"{USERS[0]}_0 {wrong}" in message("DVS128Gesture", tmp_path)


def test_a_gesture_that_nobody_makes_is_named(tmp_path: Path) -> None:
    sessions = {user: gestures[:10] for user, gestures in SESSIONS.items()}
    write_gestures(tmp_path, sessions, test=USERS[-1])
    assert f"{tmp_path}/DvsGesture.tar.gz is damaged" in message("DVS128Gesture", tmp_path)


def test_a_gesture_that_nobody_tests_is_named(tmp_path: Path) -> None:
    sessions = {**SESSIONS, USERS[-1]: SESSIONS[USERS[-1]][:10]}
    write_gestures(tmp_path, sessions, test=USERS[-1])
    assert "there are no images of 10;" in message("DVS128Gesture", tmp_path)
