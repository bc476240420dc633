"""A user's own pictures: folders by class, and files of numpy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from autosnn_nni.data import find_source, load_dataset, split
from autosnn_nni.errors import UserError

pytestmark = pytest.mark.usefixtures("home_without_network")

CLASSES = ("ant", "bee 10", "bee 9")
RANDOM = np.random.default_rng(0)


def picture(channels: int = 3, height: int = 8, width: int = 8) -> Any:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return Image.fromarray(RANDOM.integers(0, 256, shape, np.uint8))


def fill(folder: Path, parts: dict[str, int], classes: tuple[str, ...] = CLASSES) -> Path:
    """``parts`` with so many pictures of each class."""
    for part, count in parts.items():
        for name in classes:
            (folder / part / name / "more").mkdir(parents=True)
            for number in range(count):
                inside = "more/" if number % 2 else ""
                picture().save(folder / part / name / f"{inside}{number}.png")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "insects", {"train": 5, "test": 2})


def test_a_folder_is_read_class_by_class(folder: Path) -> None:
    (folder / "train/.DS_Store").write_text("")
    (folder / "train/ant/readme.txt").write_text("not a picture")
    data = load_dataset(str(folder))
    assert data.names == ("ant", "bee 9", "bee 10")
    assert data.shape == (3, 8, 8)
    assert (len(data.train), len(data.test)) == (15, 6)
    assert data.test.labels.tolist() == [0, 0, 1, 1, 2, 2]
    with Image.open(folder / "test/bee 9/0.png") as file:
        expected = torch.from_numpy(np.array(file)).permute(2, 0, 1)
    assert torch.equal(data.test.images[2], expected)
    assert data.name == str(folder.resolve())
    assert find_source(str(folder)).info.classes == 3


def test_d_val_is_the_folders_own(tmp_path: Path) -> None:
    folder = fill(tmp_path, {"train": 5, "val": 2, "test": 1})
    data = load_dataset(str(folder))
    parts = split(data, seed=0)
    assert [len(one) for one in (parts.train, parts.val, parts.test)] == [15, 6, 3]
    with Image.open(folder / "val/ant/0.png") as file:
        assert torch.equal(parts.val.images[0].permute(1, 2, 0), torch.from_numpy(np.array(file)))
    some = split(data, seed=0, images=9)
    assert sorted(some.train.labels.tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert torch.equal(some.val.images, parts.val.images)
    with pytest.raises(UserError, match="choose from 5 to 15"):
        split(data, seed=0, images=16)


def test_grey_pictures_have_one_channel(folder: Path) -> None:
    for file in folder.rglob("*.png"):
        picture(channels=1).save(file)
    data = load_dataset(str(folder))
    assert data.shape == (1, 8, 8)
    with Image.open(folder / "train/ant/0.png") as file:
        assert torch.equal(data.train.images[0, 0], torch.from_numpy(np.array(file)))


def test_linked_folders_are_read_once_each(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    picture().save(elsewhere / "9.png")
    (folder / "train/ant/linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder / "train/ant")
    (folder / "train/ant/itself").symlink_to("itself")
    data = load_dataset(str(folder))
    assert data.train.labels.bincount().tolist() == [6, 5, 5]


def fill_with(folder: Path, ending: str, write: Callable[[Path], object]) -> None:
    for file in folder.rglob("*.png"):
        file.unlink()
        write(file.with_suffix(ending))


@pytest.mark.parametrize("ending", [".png", ".tif", ".pgm"])
def test_grey_pictures_of_16_bits_keep_their_upper_8(folder: Path, ending: str) -> None:
    """Pillow reads those of .pgm, and in earlier versions of .png, as 32 bits."""
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    fill_with(folder, ending, lambda file: Image.fromarray(values).save(file))
    data = load_dataset(str(folder))
    assert data.shape == (1, 8, 8)
    assert np.array_equal(data.train.images[0, 0].numpy(), values // 256)


def test_dark_pictures_of_16_bits_are_as_dark_as_their_neighbours(folder: Path) -> None:
    """What a value means follows from the file, not from the values of one picture."""
    dark = np.full((8, 8), 255, np.uint16)
    fill_with(folder, ".pgm", lambda file: Image.fromarray(dark).save(file))
    assert load_dataset(str(folder)).train.images.eq(0).all()


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_grey_pictures_of_32_bits_are_refused(folder: Path, kind: type[Any]) -> None:
    Image.fromarray(np.zeros((8, 8), kind)).save(folder / "train/ant/deep.tif")
    with pytest.raises(UserError, match=r"deep\.tif has 32 bits per pixel; save it with 8 or 16$"):
        load_dataset(str(folder))


def test_pictures_of_different_sizes_need_one(folder: Path) -> None:
    picture(height=12, width=20).save(folder / "train/ant/large.png")
    with pytest.raises(UserError, match="8x8 and of 20x12 pixels; give their side with --size"):
        load_dataset(str(folder))
    assert load_dataset(str(folder), size=6).shape == (3, 6, 6)
    with pytest.raises(UserError, match="--size must be at least 1, not 0"):
        load_dataset(str(folder), size=0)


def test_a_scaled_picture_is_cut_at_its_longer_side(folder: Path) -> None:
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = 200
    Image.fromarray(wide).save(folder / "test/ant/0.png")
    data = load_dataset(str(folder), size=8)
    assert (data.test.images[0, :, :, 1:-1] == 200).all()


def test_a_file_that_changes_is_read_again(folder: Path) -> None:
    before = load_dataset(str(folder)).train.images.clone()
    picture().save(folder / "train/ant/0.png")
    (folder / "train/ant/0.png").touch()
    assert not torch.equal(load_dataset(str(folder)).train.images, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "test").rename(folder / "tset"), "has no test/ with a folder of"),
        (lambda folder: (folder / "test/ant").rename(folder / "test/aunt"), "classes ant, aunt"),
        (lambda folder: (folder / "train/cow").mkdir(), "train/cow has no pictures; add some or"),
        (
            lambda folder: (folder / "train/ant/0.png").write_text("x"),
            "ant/0.png is no picture that",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_named(
    change: Callable[[Path], Any], message: str, folder: Path
) -> None:
    change(folder)
    with pytest.raises(UserError, match=message):
        load_dataset(str(folder))


def test_a_single_class_is_not_enough(tmp_path: Path) -> None:
    fill(tmp_path, {"train": 1, "test": 1}, ("ant",))
    with pytest.raises(UserError, match="train has 1 classes; make a folder for each"):
        load_dataset(str(tmp_path))


def arrays(**changes: Any) -> dict[str, Any]:
    parts = {"train": 6, "test": 4}
    found: dict[str, Any] = {}
    for part, count in parts.items():
        found[f"x_{part}"] = RANDOM.integers(0, 256, (count, 8, 8), np.uint8)
        found[f"y_{part}"] = np.arange(count) % 2
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


def saved(folder: Path, **changes: Any) -> str:
    np.savez(folder / "data.npz", **arrays(**changes))
    return str(folder / "data.npz")


def test_a_file_of_numpy_is_read_as_it_is(tmp_path: Path) -> None:
    data = load_dataset(saved(tmp_path))
    with np.load(tmp_path / "data.npz") as file:
        assert np.array_equal(data.train.images.numpy()[:, 0], file["x_train"])
        assert np.array_equal(data.test.labels.numpy(), file["y_test"])
    assert (data.shape, data.names) == ((1, 8, 8), ("0", "1"))


def test_a_file_of_numpy_that_changes_is_read_again(tmp_path: Path) -> None:
    before = load_dataset(saved(tmp_path)).train.images
    changed = arrays()["x_train"] + 1
    after = load_dataset(saved(tmp_path, x_train=changed)).train.images
    assert np.array_equal(after.numpy()[:, 0], changed)
    assert not torch.equal(after, before)


def test_coloured_arrays_and_a_d_val_of_their_own(tmp_path: Path) -> None:
    names = ("x_train", "x_val", "x_test")
    colours = {name: RANDOM.integers(0, 256, (4, 8, 8, 3), np.uint8) for name in names}
    labels = {name.replace("x", "y"): np.arange(4) % 2 for name in names}
    path = saved(tmp_path, **colours, **labels)
    parts = split(load_dataset(path), seed=0)
    assert np.array_equal(parts.val.images.permute(0, 2, 3, 1).numpy(), colours["x_val"])
    assert load_dataset(path, size=4).shape == (3, 4, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_test": None}, "has no x_test; save them with numpy.savez"),
        ({"x_train": np.zeros((6, 8, 8))}, "x_train must be uint8 from 0 to 255, not float64"),
        ({"x_train": np.zeros((6, 8, 8, 2), np.uint8)}, "with 1 or 3 channels, not of the shape"),
        ({"x_test": np.zeros((4, 9, 9), np.uint8)}, "has pictures of different shapes"),
        ({"y_test": np.arange(3)}, "y_test must have a whole number for each of 4 pictures"),
        ({"y_test": np.array([0, 1, 2, 0])}, r"y_train and y_test differ in the classes \[2\]"),
        (
            {"y_train": np.array([0, 5] * 3), "y_test": np.array([0, 5] * 2)},
            "y_train must have the classes 0, 1",
        ),
    ],
)
def test_what_is_wrong_with_arrays_is_named(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        load_dataset(saved(tmp_path, **changes))


@pytest.mark.parametrize("name", ["nowhere/at/all", "./digits"])
def test_a_path_with_nothing_there_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="is neither a folder with train/ and test/ nor"):
        load_dataset(name)


def test_published_data_keep_their_size_and_own_need_no_folder(folder: Path) -> None:
    with pytest.raises(UserError, match="--size is of your own pictures; digits has its size"):
        load_dataset("digits", size=16)
    with pytest.raises(UserError, match="--dataset says where yours is"):
        load_dataset(str(folder), folder)
