"""CIFAR10-DVS, from its zips and from what SpikingJelly makes of them."""

import shutil
import urllib.error
import zipfile
from pathlib import Path

import numpy as np
import pytest
import spikingjelly.datasets
import torch
import torchvision.datasets.utils

from autosnn_nni.data import DataSet, load_dataset
from tests.autosnn_nni.conftest import message
from tests.autosnn_nni.data.recorded import (
    CIFAR10,
    Events,
    aedat2,
    counted,
    events,
    write_cifar10_dvs,
)

pytestmark = pytest.mark.usefixtures("home_without_network", "unchecked")

#: Eleven recordings that differ in their length; nine train.
NUMBERED = {number: events(60 + number, seed=number) for number in range(11)}


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ten zips, to be read only."""
    folder = tmp_path_factory.mktemp("zips")
    write_cifar10_dvs(folder, NUMBERED)
    return folder


@pytest.fixture
def own(zips: Path, tmp_path: Path) -> Path:
    """A folder of the test's own."""
    return Path(shutil.copytree(zips, tmp_path / "data"))


def content(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def assert_right(data: DataSet, timesteps: int = 20) -> None:
    """Every recording is there once, in the order of its number, and split nine to one."""
    for images, numbers in ((data.train, range(9)), (data.test, range(9, 11))):
        assert images.images.dtype == torch.uint8
        assert images.shape == (timesteps, 2, 128, 128)
        assert images.labels.tolist() == [label for label in range(10) for _ in numbers]
        expected = np.stack([counted(NUMBERED[number], timesteps) for number in numbers])
        for label in range(10):
            assert np.array_equal(images.images[images.labels == label].numpy(), expected)


def test_frames_are_histograms_of_the_published_events(zips: Path) -> None:
    before = content(zips)
    data = load_dataset("CIFAR10DVS", zips)
    assert_right(data)
    assert (data.shape, data.classes, data.events) == ((2, 128, 128), 10, True)
    assert content(zips) == before


@pytest.mark.parametrize("timesteps", [1, 7])
def test_there_are_as_many_frames_as_asked_for(zips: Path, timesteps: int) -> None:
    assert_right(load_dataset("CIFAR10DVS", zips, timesteps), timesteps)


def test_the_first_channel_is_darker_and_both_axes_are_upright(tmp_path: Path) -> None:
    """In the address of the camera, which lay on its side: x is 5, y is 100."""
    for bit, channel in ((1, 0), (0, 1)):
        folder = tmp_path / str(bit)
        recording = {key: np.full(20, 0) for key in ("t", "x", "y", "p")}
        write_cifar10_dvs(folder, {0: recording, 1: recording})
        raw = aedat2(recording)[: -8 * 20] + (100 << 8 | 5 << 1 | bit).to_bytes(4, "big") * 40
        for name in CIFAR10:
            with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
                for number in range(2):
                    archive.writestr(f"{name}/cifar10_{name}_{number}.aedat", raw)
        frames = load_dataset("CIFAR10DVS", folder).train.images
        assert frames[:, :, channel, 127 - 5, 127 - 100].eq(1).all()
        assert frames.sum() == 10 * 20


def test_what_is_read_once_is_kept(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_dataset("CIFAR10DVS", own)
    monkeypatch.setattr("autosnn_nni.data.recordings.to_frames", None)
    assert torch.equal(load_dataset("CIFAR10DVS", own).train.images, first.train.images)


def test_other_zips_are_read_anew(own: Path) -> None:
    load_dataset("CIFAR10DVS", own)
    write_cifar10_dvs(own, {0: events(40, seed=5), 1: events(50, seed=6)}, CIFAR10[:1])
    data = load_dataset("CIFAR10DVS", own)
    assert (len(data.train), len(data.test)) == (9 * 9 + 1, 9 * 2 + 1)


def test_zips_may_lie_in_spikingjellys_folder(own: Path) -> None:
    (own / "download").mkdir()
    for name in CIFAR10[3:]:
        (own / f"{name}.zip").rename(own / "download" / f"{name}.zip")
    assert_right(load_dataset("CIFAR10DVS", own))


@pytest.fixture(scope="module")
def prepared(zips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that SpikingJelly has prepared, without the zips."""
    folder = tmp_path_factory.mktemp("prepared")
    shutil.copytree(zips, folder / "download")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spikingjelly.datasets.base, "check_integrity", lambda **_: True)
        spikingjelly.datasets.CIFAR10DVS(folder, "frame", frames_number=4, split_by="number")
    for name in ("download", "extract"):
        shutil.rmtree(folder / name)
    return folder


def test_a_folder_that_spikingjelly_has_prepared_is_enough(prepared: Path) -> None:
    before = content(prepared)
    assert_right(load_dataset("CIFAR10DVS", prepared))
    assert content(prepared) == before


def test_spikingjellys_own_frames_are_the_same(prepared: Path) -> None:
    theirs = spikingjelly.datasets.CIFAR10DVS(prepared, "frame", frames_number=4, split_by="number")
    ours = load_dataset("CIFAR10DVS", prepared, 4)
    both = torch.cat([ours.train.images, ours.test.images]).flatten(1).long().tolist()
    assert sorted(both) == sorted(frames.astype(int).flatten().tolist() for frames, _ in theirs)


def test_what_spikingjelly_has_not_finished_does_not_count(prepared: Path, own: Path) -> None:
    shutil.copytree(prepared / "events_np", own / "events_np")
    shutil.rmtree(own / "events_np/frog")
    (own / "events_np.building").touch()
    assert_right(load_dataset("CIFAR10DVS", own))
    for file in own.glob("*.zip"):
        file.unlink()
    assert f"CIFAR10DVS is not in {own}" in message("CIFAR10DVS", own)


def test_counts_above_255_are_kept(tmp_path: Path) -> None:
    few, many = events(300, seed=1), events(600, seed=2, x=3, y=4, p=1)
    write_cifar10_dvs(tmp_path, {0: few, 1: many, 2: few})
    data = load_dataset("CIFAR10DVS", tmp_path, 2)
    assert (data.train.images.dtype, data.test.images.dtype) == (torch.int16, torch.uint8)
    assert data.train.images.max() == 300
    for label in range(10):
        ours = data.train.images[data.train.labels == label].numpy()
        assert np.array_equal(ours, np.stack([counted(few, 2), counted(many, 2)]))


def test_a_recording_of_equal_size_is_read_anew(prepared: Path, tmp_path: Path) -> None:
    folder = with_recording(prepared, tmp_path, events(60, seed=1))
    file = folder / "events_np/bird/cifar10_bird_3.npz"
    before, size = load_dataset("CIFAR10DVS", folder), file.stat().st_size
    np.savez(file, **events(60, seed=2))
    assert file.stat().st_size == size
    after = load_dataset("CIFAR10DVS", folder)
    expected = counted(events(60, seed=2), 20)
    (changed,) = (before.train.images != after.train.images).flatten(1).any(1).nonzero()
    assert np.array_equal(after.train.images[changed.item()].numpy(), expected)


def test_hidden_files_are_not_recordings(prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared / "events_np", tmp_path / "events_np")
    for name in (".DS_Store", "Thumbs.db", "bird/.DS_Store", "bird/._cifar10_bird_3.npz"):
        (tmp_path / "events_np" / name).write_bytes(b"of a desktop")
    assert_right(load_dataset("CIFAR10DVS", tmp_path))


# ---- what can go wrong --------------------------------------------------------------------


def test_a_damaged_zip_is_named_and_stays(own: Path, home_without_network: Path) -> None:
    file = own / "deer.zip"
    file.write_bytes(file.read_bytes()[:-200])
    before = content(own)
    assert f"{file} is damaged or not the published data (" in message("CIFAR10DVS", own)
    assert content(own) == before
    cache = home_without_network / ".cache/autosnn-nni/CIFAR10DVS"
    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_a_zip_without_the_published_checksum_is_never_opened(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = torchvision.datasets.utils.check_integrity
    monkeypatch.setattr(spikingjelly.datasets.base, "check_integrity", check)
    before = content(own)
    said = message("CIFAR10DVS", own)
    assert f"{own}/airplane.zip is damaged or not the published data (its checksum" in said
    assert content(own) == before


def test_an_odd_number_of_words_is_damage(own: Path) -> None:
    with zipfile.ZipFile(own / "cat.zip", "a") as archive:
        archive.writestr("cat/cifar10_cat_99.aedat", aedat2(events(30))[:-4])
    assert f"{own}/cat.zip is damaged" in message("CIFAR10DVS", own)


def test_a_class_without_recordings_is_named(own: Path) -> None:
    with zipfile.ZipFile(own / "ship.zip", "w") as archive:
        archive.writestr("boat/cifar10_boat_0.aedat", aedat2(events(30)))
    assert "there are no images of ship;" in message("CIFAR10DVS", own)


def test_a_prepared_folder_without_a_class_is_refused(prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared / "events_np", tmp_path / "events_np")
    shutil.rmtree(tmp_path / "events_np/frog")
    assert "there are no images of frog;" in message("CIFAR10DVS", tmp_path)


def with_recording(prepared: Path, folder: Path, recording: Events) -> Path:
    shutil.copytree(prepared / "events_np", folder / "events_np")
    np.savez(folder / "events_np/bird/cifar10_bird_3.npz", **recording)
    return folder


@pytest.mark.parametrize(
    ("recording", "wrong"),
    [
        (events(0), "has no events"),
        (events(19), "has 19 events for 20 frames"),
        (events(30, x=128), "with x from 128 to 128 instead of 0 to 127"),
        (events(30, y=-1), "with y from -1 to -1 instead of 0 to 127"),
        (events(30, p=2), "with p from 2 to 2 instead of 0 to 1"),
        (events(700_000, x=1, y=1, p=1), "has 35000 events at one pixel"),
    ],
)
def test_events_that_no_camera_sends_are_refused(
    prepared: Path, tmp_path: Path, recording: Events, wrong: str
) -> None:
    said = message("CIFAR10DVS", with_recording(prepared, tmp_path, recording))
    assert (
        said.startswith(f"cifar10_bird_3 {wrong}") or f"cifar10_bird_3 has events {wrong}" in said
    )


def test_an_incomplete_recording_is_named(prepared: Path, tmp_path: Path) -> None:
    recording = events(30)
    folder = with_recording(prepared, tmp_path, {**recording, "p": recording["p"][1:]})
    file = folder / "events_np/bird/cifar10_bird_3.npz"
    assert f"{file} is damaged" in message("CIFAR10DVS", folder)
    del recording["p"]
    np.savez(file, **recording)
    assert f"{file} is damaged" in message("CIFAR10DVS", folder)
    file.write_bytes(file.read_bytes()[:100])
    assert f"{file} is damaged" in message("CIFAR10DVS", folder)


# ---- downloading --------------------------------------------------------------------------


def test_without_files_or_network_the_folder_stays_clean(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    said = message("CIFAR10DVS", folder)
    assert f"CIFAR10DVS is not in {folder} and could not be downloaded (" in said
    assert "Name or service not known); put its files there" in said
    assert list(folder.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_one_missing_zip_is_named(own: Path) -> None:
    (own / "horse.zip").unlink()
    said = message("CIFAR10DVS", own)
    assert f"horse.zip of CIFAR10DVS is not in {own} and could not be downloaded (" in said


@pytest.fixture
def server(own: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose zips can be "downloaded"; a missing one fails half-way."""
    published = spikingjelly.datasets.CIFAR10DVS.resource_url_md5()
    names = {Path(url).name: name for name, url, _ in published}

    def retrieve(url: str, target: str) -> None:
        file = own / names[Path(url).name]
        Path(target).write_bytes(b"half a file")
        if not file.exists():
            raise urllib.error.URLError("connection lost")
        shutil.copy(file, target)

    monkeypatch.setattr(torchvision.datasets.utils, "_urlretrieve", retrieve)
    monkeypatch.setattr(torchvision.datasets.utils, "_get_redirect_url", lambda url, **_: url)
    monkeypatch.setattr(
        torchvision.datasets.utils, "check_integrity", lambda path, md5: Path(path).is_file()
    )
    return own


def test_a_download_fills_the_home_and_is_read_from_it_again(
    server: Path, home_without_network: Path
) -> None:
    assert_right(load_dataset("CIFAR10DVS"))
    shutil.rmtree(server)
    assert_right(load_dataset("CIFAR10DVS"))
    home = home_without_network / ".cache/autosnn-nni/CIFAR10DVS"
    assert {path.name for path in (home / "download").iterdir()} == {f"{n}.zip" for n in CIFAR10}


def test_an_interrupted_download_keeps_whole_zips_only(server: Path, tmp_path: Path) -> None:
    (server / "bird.zip").unlink()
    folder = tmp_path / "new"
    assert "connection lost" in message("CIFAR10DVS", folder)
    files = {path for path in folder.rglob("*") if path.is_file()}
    assert files == {folder / f"download/{name}.zip" for name in ("airplane", "automobile")}
    assert "connection lost" in message("CIFAR10DVS", folder)
    write_cifar10_dvs(server, NUMBERED, ["bird"])
    for name in ("airplane", "automobile"):
        (server / f"{name}.zip").unlink()  # it is not asked for again
    assert_right(load_dataset("CIFAR10DVS", folder))
