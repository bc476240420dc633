"""Tiny-ImageNet-200, from its tree and from its zip."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autosnn_nni.data import DataSet, load_dataset, split
from tests.autosnn_nni.conftest import message

pytestmark = pytest.mark.usefixtures("home_without_network")

TREE = "tiny-imagenet-200"
#: Not in the order of the alphabet, as in the published file.
CLASSES = [f"n{number * 7919 % 100_003:08d}" for number in range(200)]


def jpeg(grey: int, mode: str = "RGB", side: int = 64) -> bytes:
    """One colour, but for a white corner at the top right."""
    pixels = np.full((side, side), grey, dtype=np.uint8)
    pixels[: side // 2, side // 2 :] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=95)
    return file.getvalue()


def write(folder: Path, train: int = 2) -> Path:
    """Images whose grey is their label; every tenth class is stored without colour."""
    tree = folder / TREE
    (tree / "val/images").mkdir(parents=True)
    lines = []
    for label, name in enumerate(CLASSES):
        content = jpeg(label, "L" if label % 10 == 0 else "RGB")
        images = tree / "train" / name / "images"
        images.mkdir(parents=True)
        for number in range(train):
            (images / f"{name}_{number}.JPEG").write_bytes(content)
        (images.parent / f"{name}_boxes.txt").touch()
    for number, label in enumerate(reversed(range(200))):
        (tree / f"val/images/val_{number}.JPEG").write_bytes(jpeg(label))
        lines.append(f"val_{number}.JPEG\t{CLASSES[label]}\t0\t0\t63\t63\n")
    (tree / "val/val_annotations.txt").write_text("".join(lines))
    (tree / "wnids.txt").write_text("\n".join(CLASSES) + "\n")
    return tree


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published tree, to be read only."""
    return write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def archive(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published zip, alone in its folder."""
    name = tmp_path_factory.mktemp("zip") / TREE
    return Path(shutil.make_archive(str(name), "zip", tree.parent, TREE))


@pytest.fixture
def own(tree: Path, tmp_path: Path) -> Path:
    """A tree of the test's own."""
    return Path(shutil.copytree(tree, tmp_path / TREE))


def assert_right(data: DataSet) -> None:
    """Each image has its label's grey, and a white corner at the top right."""
    assert (len(data.train), len(data.test)) == (400, 200)
    assert sorted(data.train.labels.tolist()) == sorted([*range(200)] * 2)
    assert data.test.labels.tolist() == list(reversed(range(200)))
    for images in (data.train, data.test):
        assert images.images.dtype == torch.uint8
        assert images.shape == data.shape == (3, 64, 64)
        corners = images.images[:, :, 40:, :24].float().mean((2, 3))
        assert (corners - images.labels[:, None]).abs().max() < 2
        assert images.images[:, :, :24, 40:].float().mean((2, 3)).min() > 250
    assert (data.classes, data.events) == (200, False)


def test_the_tree_is_found_from_itself_and_from_its_parent(tree: Path) -> None:
    assert_right(load_dataset("TinyImageNet", tree))
    assert_right(load_dataset("TinyImageNet", tree.parent))


def test_the_zip_is_read_without_being_unpacked(archive: Path) -> None:
    assert_right(load_dataset("TinyImageNet", archive.parent))
    assert_right(load_dataset("TinyImageNet", archive.parent / TREE))
    assert list(archive.parent.iterdir()) == [archive]


def test_without_a_folder_it_is_looked_for_at_home(
    archive: Path, home_without_network: Path
) -> None:
    home = home_without_network / ".cache/autosnn-nni/TinyImageNet"
    home.mkdir(parents=True)
    shutil.copy(archive, home)
    assert_right(load_dataset("TinyImageNet"))


def test_statistics_and_splits_are_those_of_any_images(tree: Path) -> None:
    data = load_dataset("TinyImageNet", tree)
    pixels = data.train.images.double() / 255
    assert data.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert data.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist())
    splits = split(data, seed=0, images=400)
    assert (len(splits.train), len(splits.val)) == (320, 80)


def test_what_is_read_once_is_kept(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_dataset("TinyImageNet", tree)
    monkeypatch.setattr("torchvision.io.decode_jpeg", None)
    assert_right(load_dataset("TinyImageNet", tree))


def test_another_image_is_read_anew(own: Path) -> None:
    load_dataset("TinyImageNet", own)
    (own / "val/images/val_0.JPEG").write_bytes(jpeg(77))
    assert load_dataset("TinyImageNet", own).test.images[0, 0, 60, 5].item() == 77


def test_an_image_of_equal_size_is_read_anew(own: Path) -> None:
    file = own / "val/images/val_0.JPEG"
    load_dataset("TinyImageNet", own)
    size = file.stat().st_size
    file.write_bytes(jpeg(198).ljust(size, b"\0")[:size])
    assert load_dataset("TinyImageNet", own).test.images[0, 0, 60, 5].item() == 198


def with_desktop_files(tree: Path) -> Path:
    images = tree / "train" / CLASSES[0] / "images"
    for file in (
        *(tree / ".DS_Store", images / ".DS_Store", images / "Thumbs.db"),
        images / f"._{CLASSES[0]}_1.JPEG",
    ):
        file.write_bytes(b"of a desktop")
    return tree


def test_hidden_files_are_not_images(own: Path, tmp_path: Path) -> None:
    assert_right(load_dataset("TinyImageNet", with_desktop_files(own)))
    (tmp_path / "zip").mkdir()
    shutil.make_archive(str(tmp_path / "zip" / TREE), "zip", own.parent, TREE)
    assert_right(load_dataset("TinyImageNet", tmp_path / "zip"))


# ---- what can go wrong --------------------------------------------------------------------


def test_without_files_their_name_is_said(tmp_path: Path) -> None:
    said = message("TinyImageNet", tmp_path)
    assert said.startswith(f"TinyImageNet is not in {tmp_path}; put {TREE}.zip there or give")
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]


@pytest.mark.parametrize("folder", [".", "/"])
def test_a_folder_without_a_name_is_as_good(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"TinyImageNet is not in {folder};" in message("TinyImageNet", Path(folder))


def unlist(tree: Path) -> None:
    names = (tree / "wnids.txt").read_text().split()
    (tree / "wnids.txt").write_text("\n".join(names[:-1]))


def annotate(tree: Path) -> None:
    file = tree / "val/val_annotations.txt"
    file.write_text(file.read_text().replace(CLASSES[3], "n99999999"))


FIRST = f"train/{CLASSES[0]}/images/{CLASSES[0]}_1.JPEG"
HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "a class without images": (
        lambda tree: shutil.rmtree(tree / f"train/{CLASSES[5]}"),
        f"there are no images of {CLASSES[5]};",
    ),
    "a class that is not listed": (unlist, f"damaged or not the published data ('{CLASSES[-1]}')"),
    "an unknown class": (annotate, "damaged or not the published data ('n99999999')"),
    "no annotations": (
        lambda tree: (tree / "val/val_annotations.txt").unlink(),
        "val_annotations.txt is damaged",
    ),
    "a missing image": (
        lambda tree: (tree / "val/images/val_9.JPEG").unlink(),
        "val_9.JPEG is damaged",
    ),
    "half an image": (
        lambda tree: (tree / FIRST).write_bytes(jpeg(0)[:400]),
        f"{FIRST} is damaged",
    ),
    "an empty image": (lambda tree: (tree / FIRST).write_bytes(b""), f"{FIRST} is damaged"),
    "another size": (
        lambda tree: (tree / FIRST).write_bytes(jpeg(0, side=32)),
        f"{FIRST} has the shape (3, 32, 32) instead of (3, 64, 64)",
    ),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_tree_is_one_line(own: Path, harm: str) -> None:
    damage, said = HARM[harm]
    damage(own)
    assert said in message("TinyImageNet", own)


def test_a_truncated_zip_is_named(archive: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(archive, tmp_path))
    file.write_bytes(file.read_bytes()[:-1000])
    assert f"{file} is damaged or not the published data (" in message("TinyImageNet", tmp_path)
