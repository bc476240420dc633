import gzip
import pickle
import shutil
import tarfile
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io  # type: ignore[import-untyped]
import torch
import torchvision.datasets.cifar
import torchvision.datasets.svhn
import torchvision.datasets.utils
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import Tensor

from autosnn_nni.data import (
    DATASETS,
    Batches,
    DataInfo,
    DataSet,
    DataSource,
    Images,
    crop_and_flip,
    cut_out,
    load_dataset,
    split,
)
from autosnn_nni.errors import UserError
from tests.autosnn_nni.conftest import message

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
TRAIN, TEST = 100, 20
HALF = b"half a file"
EVENTS = ("CIFAR10DVS", "DVS128Gesture", "digitsDVS")
SEEDS = st.integers(-(2**31), 2**31)

pytestmark = pytest.mark.usefixtures("home_without_network")


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole files of the published format pass without the published checksums."""

    def check(path: str | Path, md5: str | None = None) -> bool:
        return Path(path).is_file() and Path(path).read_bytes() != HALF

    for module in (
        torchvision.datasets.cifar,
        torchvision.datasets.svhn,
        torchvision.datasets.utils,
    ):
        monkeypatch.setattr(module, "check_integrity", check)


# ---- files in the published formats -------------------------------------------------------


def pixels(count: int, *shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int, classes: int) -> list[int]:
    return [index % classes for index in range(count)]


def idx(array: np.ndarray[Any, Any]) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, packed: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", TRAIN), ("t10k", TEST)):
        for kind, array in (
            ("images-idx3", pixels(count, 28, 28)),
            ("labels-idx1", np.array(labels(count, 10))),
        ):
            file = folder / f"{part}-{kind}-ubyte"
            if packed:
                file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(idx(array)))
            else:
                file.write_bytes(idx(array))


def write_cifar(folder: Path, parts: dict[str, int], meta: str, key: str, classes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in parts.items():
        content = {"data": pixels(count, 3 * 32 * 32), key: labels(count, classes)}
        (folder / part).write_bytes(pickle.dumps(content, protocol=2))
    names = dict.fromkeys(("label_names", "fine_label_names"), "")
    (folder / meta).write_bytes(pickle.dumps(names, protocol=2))


def write_cifar10(folder: Path) -> None:
    parts = {f"data_batch_{n}": TRAIN // 5 for n in range(1, 6)} | {"test_batch": TEST}
    write_cifar(folder, parts, "batches.meta", "labels", 10)


def write_cifar100(folder: Path) -> None:
    write_cifar(folder, {"train": TRAIN, "test": TEST}, "meta", "fine_labels", 100)


def write_svhn(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", TRAIN), ("test", TEST)):
        content = {
            "X": pixels(count, 3, 32, 32).transpose(2, 3, 1, 0),
            "y": np.array([[label or 10] for label in labels(count, 10)], dtype=np.uint8),
        }
        scipy.io.savemat(folder / f"{part}_32x32.mat", content)


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "MNIST": ("MNIST/raw", write_mnist),
    "FashionMNIST": ("FashionMNIST/raw", write_mnist),
    "CIFAR10": ("cifar-10-batches-py", write_cifar10),
    "CIFAR100": ("cifar-100-python", write_cifar100),
    "SVHN": ("", write_svhn),
}


# ---- loading ------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("name", WRITERS)
def test_published_files_are_read_from_either_layout(tmp_path: Path, name: str, flat: bool) -> None:
    inside, write = WRITERS[name]
    write(tmp_path if flat else tmp_path / inside)
    dataset = load_dataset(name, tmp_path)
    info = DATASETS[name].info
    for images, count in ((dataset.train, TRAIN), (dataset.test, TEST)):
        assert images.images.shape == (count, *info.shape)
        assert images.images.dtype == torch.uint8
        assert images.labels.tolist() == labels(count, info.classes)
    assert (dataset.name, dataset.shape, dataset.classes) == (name, info.shape, info.classes)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", ["MNIST", "CIFAR100", "SVHN"])
def test_every_pixel_is_where_the_file_has_it(tmp_path: Path, name: str) -> None:
    WRITERS[name][1](tmp_path)
    dataset = load_dataset(name, tmp_path)
    written = pixels(TRAIN, *dataset.shape).reshape(TRAIN, *dataset.shape)
    assert np.array_equal(dataset.train.images.numpy(), written)


def test_idx_files_may_be_unpacked(tmp_path: Path) -> None:
    write_mnist(tmp_path / "a")
    write_mnist(tmp_path / "b", packed=False)
    packed, plain = (load_dataset("MNIST", tmp_path / place) for place in ("a", "b"))
    assert torch.equal(packed.train.images, plain.train.images)
    assert torch.equal(packed.test.labels, plain.test.labels)


@pytest.mark.parametrize("folder", [None, DEBIAN])
def test_fashion_mnist_comes_from_debians_package(folder: Path | None) -> None:
    dataset = load_dataset("FashionMNIST", folder)
    assert dataset.train.images.shape == (60_000, 1, 28, 28)
    assert dataset.test.labels.bincount().tolist() == [1000] * 10
    assert dataset.train.labels[:5].tolist() == [9, 0, 0, 3, 0]
    assert dataset.mean == pytest.approx((0.2860,), abs=5e-5)
    assert dataset.std == pytest.approx((0.3530,), abs=5e-5)


def test_digits_are_scikit_learns_scaled_to_bytes() -> None:
    dataset = load_dataset("digits")
    ours = torch.cat([dataset.train.images, dataset.test.images]).view(-1, 64)
    theirs = torch.from_numpy(load_digits().data * 255 / 16).round().to(torch.uint8)
    assert sorted(ours.tolist()) == sorted(theirs.tolist())
    assert dataset.shape == (1, 8, 8)
    assert (len(dataset.train), len(dataset.test)) == (1438, 359)
    assert dataset.test.labels.bincount().min() >= 34


def test_digits64_are_digits_magnified() -> None:
    small, large = load_dataset("digits"), load_dataset("digits64")
    assert large.shape == (1, 64, 64)
    for one, other in ((small.train, large.train), (small.test, large.test)):
        assert torch.equal(one.images.kron(torch.ones(8, 8, dtype=torch.uint8)), other.images)
        assert torch.equal(one.labels, other.labels)
    assert (large.mean, large.std) == (small.mean, small.std)


def test_digits_have_one_official_split() -> None:
    first, second = load_dataset("digits"), load_dataset("digits", Path("/nowhere"))
    assert torch.equal(first.test.images, second.test.images)


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_is_described_without_loading(name: str) -> None:
    info = DATASETS[name].info
    paper = (96, 600, 600)
    chosen = (info.batch_size, info.supernet_epochs, info.retrain_epochs)
    assert chosen == ((32, 60, 20) if name.startswith("digits") else paper)
    assert info.events == (name in EVENTS)
    assert info.timesteps == (20 if info.events else 8)
    assert info.padding == {"digits": 1, "digits64": 8}.get(name, 0 if info.events else 4)
    assert info.flip == (name not in ("digits", "digits64", "MNIST", *EVENTS))


def test_a_data_set_of_ones_own_is_one_function() -> None:
    source = DataSource("mine", DataInfo((2, 4, 4), classes=3), lambda _: (GREY, GREY))
    assert source.load().shape == (2, 4, 4)
    assert source.load().std == (1.0, 1.0)


GREY = Images(torch.full((6, 2, 4, 4), 128, dtype=torch.uint8), torch.arange(6) % 3)


@pytest.mark.parametrize(
    ("images", "wrong"),
    [
        (Images(GREY.images, GREY.labels[1:]), "6 images and 5 labels"),
        (GREY.subset(torch.arange(0)), "0 images and 0 labels"),
        (Images(GREY.images[:, :1], GREY.labels), r"\(1, 4, 4\) instead of \(2, 4, 4\)"),
        (Images(GREY.images, GREY.labels + 1), "labels outside 0 to 2"),
    ],
)
def test_images_that_are_not_as_declared_are_refused(images: Images, wrong: str) -> None:
    source = DataSource("mine", DataInfo((2, 4, 4), classes=3), lambda _: (GREY, images))
    with pytest.raises(UserError, match=f"the mine files hold .*{wrong}"):
        source.load()


# ---- what can go wrong --------------------------------------------------------------------


def test_an_unknown_data_set_suggests_a_known_one() -> None:
    assert "did you mean 'CIFAR10'?" in message("CIFAR-10", None)


@pytest.mark.parametrize("name", WRITERS)
def test_without_files_or_network_the_folder_stays_clean(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    said = message(name, folder)
    assert f"{name} is not in {folder} and could not be downloaded (" in said
    assert "Name or service not known); put its files there" in said
    assert "--data-dir" in said
    assert list(folder.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_without_a_folder_the_cache_is_named_and_not_made(home_without_network: Path) -> None:
    assert f"{home_without_network}/.cache/autosnn-nni/SVHN" in message("SVHN", None)
    assert list(home_without_network.iterdir()) == []


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert f"{tmp_path}/file is not a folder" in message("MNIST", tmp_path / "file")


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "cannot be read (File name too long)" in message("MNIST", tmp_path / ("x" * 300))


def test_a_truncated_gz_is_named(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    file = tmp_path / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-1000])
    assert f"{file} is damaged" in message("FashionMNIST", tmp_path)


def test_a_truncated_idx_file_is_named(tmp_path: Path) -> None:
    write_mnist(tmp_path, packed=False)
    file = tmp_path / "train-labels-idx1-ubyte"
    file.write_bytes(file.read_bytes()[:-1])
    assert f"{file} is damaged" in message("MNIST", tmp_path)


def test_missing_labels_are_counted(tmp_path: Path) -> None:
    write_mnist(tmp_path, packed=False)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(TRAIN - 1)))
    assert f"{TRAIN} images and {TRAIN - 1} labels" in message("MNIST", tmp_path)


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100", "SVHN"])
def test_files_without_the_published_checksum_are_never_opened(tmp_path: Path, name: str) -> None:
    inside, write = WRITERS[name]
    write(tmp_path / inside)
    said = message(name, tmp_path)
    assert f"{tmp_path / inside} is damaged or not the published data" in said
    assert "download=True" not in said


@pytest.mark.usefixtures("unchecked")
def test_a_damaged_pickle_is_one_line(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_3").write_bytes(b"not\na\npickle")
    assert f"{tmp_path} is damaged" in message("CIFAR10", tmp_path)


# ---- downloading --------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unchecked: None) -> Path:
    """A folder whose files can be "downloaded"; a missing one fails half-way."""
    folder = tmp_path / "server"
    folder.mkdir()

    def retrieve(url: str, target: str) -> None:
        Path(target).write_bytes(HALF)
        if not (folder / Path(url).name).exists():
            raise urllib.error.URLError("connection lost")
        shutil.copy(folder / Path(url).name, target)

    monkeypatch.setattr(torchvision.datasets.utils, "_urlretrieve", retrieve)
    monkeypatch.setattr(torchvision.datasets.utils, "_get_redirect_url", lambda url, max_hops: url)
    return folder


def test_a_download_fills_the_cache_and_is_read_from_it_again(
    server: Path, home_without_network: Path
) -> None:
    write_svhn(server)
    first = load_dataset("SVHN")
    shutil.rmtree(server)
    assert torch.equal(load_dataset("SVHN").train.images, first.train.images)
    cache = home_without_network / ".cache/autosnn-nni/SVHN"
    assert {file.name for file in cache.iterdir()} == {"train_32x32.mat", "test_32x32.mat"}


def test_a_download_keeps_only_the_unpacked_files(server: Path, tmp_path: Path) -> None:
    write_mnist(server)
    load_dataset("MNIST", tmp_path / "new" / "data")
    files = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert {file.parent for file in files} == {tmp_path / "new/data/MNIST/raw"}
    assert len(files) == 4


@pytest.mark.parametrize("name", ["MNIST", "SVHN"])
def test_an_interrupted_download_leaves_nothing(server: Path, tmp_path: Path, name: str) -> None:
    WRITERS[name][1](server)
    for file in (*server.glob("t10k*"), *server.glob("test*")):
        file.unlink()
    assert "connection lost" in message(name, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_an_archive_in_the_folder_is_unpacked_without_network(
    tmp_path: Path, unchecked: None
) -> None:
    write_cifar10(tmp_path / "made" / "cifar-10-batches-py")
    (tmp_path / "data").mkdir()
    with tarfile.open(tmp_path / "data/cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made/cifar-10-batches-py", "cifar-10-batches-py")
    assert len(load_dataset("CIFAR10", tmp_path / "data").train) == TRAIN


# ---- splits -------------------------------------------------------------------------------


def numbered(count: int, classes: int = 3) -> DataSet:
    """A data set whose images carry their own number, and whose label follows from it."""
    numbers = torch.arange(count)
    images = torch.stack([numbers % 256, numbers // 256], dim=1).to(torch.uint8)
    own = Images(images[:, :, None, None].expand(-1, -1, 4, 4), numbers % classes)
    return DataSet("numbered", classes, own, own, (0.5, 0.5), (0.5, 0.5), 1, False)


def numbers_of(images: Images) -> list[int]:
    low, high = images.images[:, :, 0, 0].long().unbind(1)
    return (low + 256 * high).tolist()


@given(count=st.integers(5, 600), classes=st.integers(1, 5), seed=SEEDS)
def test_d_train_and_d_val_are_disjoint_and_8_to_2(count: int, classes: int, seed: int) -> None:
    dataset = numbered(count, classes)
    splits = split(dataset, seed=seed)
    train, val = numbers_of(splits.train), numbers_of(splits.val)
    assert sorted(train + val) == list(range(count))
    assert len(val) == count // 5
    assert splits.test is dataset.test
    assert splits.train.labels.tolist() == [number % classes for number in train]
    shares = splits.val.labels.bincount(minlength=classes) - dataset.train.labels.bincount() / 5
    assert shares.abs().max() <= 1


@given(count=st.integers(5, 600), seed=SEEDS, data=st.data())
def test_images_uses_that_many(count: int, seed: int, data: st.DataObject) -> None:
    images = data.draw(st.integers(5, count))
    splits = split(numbered(count), seed=seed, images=images)
    used = numbers_of(splits.train) + numbers_of(splits.val)
    assert len(set(used)) == len(used) == images
    assert len(splits.val) == images // 5
    counts = torch.tensor([number % 3 for number in used]).bincount(minlength=3)
    expected = numbered(count).train.labels.bincount() * images / count
    assert (counts - expected).abs().max() <= 1


def test_the_seed_decides_the_split() -> None:
    dataset = numbered(100)
    first, again, other = (split(dataset, seed=seed, images=50) for seed in (1, 1, 2))
    assert numbers_of(first.val) == numbers_of(again.val)
    assert numbers_of(first.train) == numbers_of(again.train)
    assert numbers_of(first.val) != numbers_of(other.val)
    assert numbers_of(first.train) != numbers_of(other.train)


@pytest.mark.parametrize("images", [-1, 0, 4, 101])
def test_too_many_or_too_few_images_are_refused(images: int) -> None:
    with pytest.raises(UserError, match=f"{images} training images; choose from 5 to 100"):
        split(numbered(100), seed=0, images=images)


# ---- augmentation, against a loop over images ---------------------------------------------


def loop_crop_and_flip(image: Tensor, padding: int, corner: list[int], flip: bool) -> Tensor:
    channels, height, width = image.shape
    padded = torch.zeros(channels, height + 2 * padding, width + 2 * padding, dtype=image.dtype)
    padded[:, padding : padding + height, padding : padding + width] = image
    top, left = corner
    cropped = padded[:, top : top + height, left : left + width]
    return cropped.flip(-1) if flip else cropped


def loop_cut_out(image: Tensor, centre: list[int]) -> Tensor:
    """DeVries & Taylor's own code, with a mask for each image."""
    _, height, width = image.shape
    half = width // 2 // 2
    mask = np.ones((height, width), np.float32)
    y1, y2 = np.clip([centre[0] - half, centre[0] + half], 0, height)
    x1, x2 = np.clip([centre[1] - half, centre[1] + half], 0, width)
    mask[y1:y2, x1:x2] = 0.0
    return image * torch.from_numpy(mask)


@settings(max_examples=30)
@given(
    batch=st.integers(1, 6),
    channels=st.sampled_from([1, 3]),
    side=st.sampled_from([8, 28, 32]),
    padding=st.integers(0, 4),
    seed=st.integers(0, 99),
)
def test_crop_and_flip_equals_the_loop(
    batch: int, channels: int, side: int, padding: int, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(1, 256, (batch, channels, side, side), generator=random).byte()
    corners = torch.randint(2 * padding + 1, (batch, 2), generator=random)
    flips = torch.rand(batch, generator=random) < 0.5
    expected = [
        loop_crop_and_flip(image, padding, corner, flip)
        for image, corner, flip in zip(images, corners.tolist(), flips.tolist(), strict=True)
    ]
    assert torch.equal(crop_and_flip(images, padding, corners, flips), torch.stack(expected))


@settings(max_examples=30)
@given(batch=st.integers(1, 6), side=st.sampled_from([8, 28, 32]), seed=st.integers(0, 99))
def test_cut_out_equals_the_loop(batch: int, side: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(batch, 3, side, side, generator=random) + 0.1
    centres = torch.randint(side, (batch, 2), generator=random)
    expected = [loop_cut_out(i, c) for i, c in zip(images, centres.tolist(), strict=True)]
    assert torch.equal(cut_out(images, centres), torch.stack(expected))


def test_a_square_inside_a_cifar_image_is_16_by_16() -> None:
    cut = cut_out(torch.ones(1, 3, 32, 32), torch.tensor([[16, 16]]))
    assert (cut == 0).sum() == 3 * 16 * 16


# ---- batches ------------------------------------------------------------------------------


def pictures(count: int, side: int = 8, *, flip: bool = True) -> DataSet:
    images = Images(torch.from_numpy(pixels(count, 3, side, side)), torch.arange(count) % 10)
    source = DataSource(
        "pictures", DataInfo((3, side, side), 10, padding=1, flip=flip), lambda _: (images, images)
    )
    return source.load()


def unzip(batches: Batches) -> tuple[Tensor, Tensor]:
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


def normalised(images: Tensor, dataset: DataSet) -> Tensor:
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (dataset.mean, dataset.std))
    return (images / 255 - mean) / std


def test_plain_batches_are_the_normalised_images_in_order() -> None:
    dataset = pictures(20)
    images, labels = unzip(Batches(dataset.train, dataset, batch_size=6))
    torch.testing.assert_close(images, normalised(dataset.train.images, dataset))
    assert images.dtype == torch.float32
    assert labels.tolist() == dataset.train.labels.tolist()
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3), correction=0), torch.ones(3))


@pytest.mark.parametrize("flip", [False, True])
def test_an_augmented_image_is_one_of_its_crops(flip: bool) -> None:
    dataset = pictures(60, flip=flip)
    images, labels = unzip(Batches(dataset.train, dataset, batch_size=60, augment=True))
    assert labels.tolist() == dataset.train.labels.tolist()
    seen = set()
    for image, original in zip(images, dataset.train.images, strict=True):
        choices = {
            (top, left, flipped): loop_crop_and_flip(original, 1, [top, left], flipped)
            for top in range(3)
            for left in range(3)
            for flipped in (False, True)
        }
        (found,) = (
            choice
            for choice, expected in choices.items()
            if torch.allclose(normalised(expected, dataset), image, atol=1e-5)
        )
        seen.add(found)
    assert {flipped for *_, flipped in seen} == ({False, True} if flip else {False})
    assert {(top, left) for top, left, _ in seen} == {(a, b) for a in range(3) for b in range(3)}


def test_cutout_is_the_only_difference_and_clips_at_the_border() -> None:
    dataset = pictures(200)
    whole, _ = unzip(Batches(dataset.train, dataset, batch_size=50))
    cut, labels = unzip(Batches(dataset.train, dataset, batch_size=50, cutout=True))
    assert labels.tolist() == dataset.train.labels.tolist()
    areas = set()
    for image, original in zip(cut, whole, strict=True):
        rows, columns = (image != original).all(0).nonzero(as_tuple=True)
        areas.add(len(rows))
        box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        expected = original.clone()
        expected[:, *box] = 0
        assert torch.equal(image, expected)
    # A side of 4 at 8x8 may lose up to half beyond a border.
    assert areas <= {a * b for a in (2, 3, 4) for b in (2, 3, 4)}
    assert {4, 16} <= areas


def everything(dataset: DataSet, *, batch_size: int = 8, epoch: int = 0, seed: int = 0) -> Batches:
    batches = Batches(
        dataset.train,
        dataset,
        batch_size=batch_size,
        shuffle=True,
        augment=True,
        cutout=True,
        seed=seed,
    )
    batches.set_epoch(epoch)
    return batches


@given(seed=SEEDS, epoch=st.integers(0, 600))
@settings(max_examples=20)
def test_the_same_seed_and_epoch_give_the_same_batches(seed: int, epoch: int) -> None:
    dataset = pictures(20)
    first = everything(dataset, seed=seed, epoch=epoch)
    unzip(first)
    for one, other in zip(
        unzip(first), unzip(everything(dataset, seed=seed, epoch=epoch)), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("change", [{"epoch": 1}, {"seed": 1}])
def test_another_epoch_or_seed_gives_others(change: dict[str, int]) -> None:
    dataset = pictures(20)
    first, second = unzip(everything(dataset)), unzip(everything(dataset, **change))
    assert first[1].tolist() != second[1].tolist()
    assert not torch.equal(first[0][first[1].argsort()], second[0][second[1].argsort()])


def test_the_batch_size_changes_neither_order_nor_augmentation() -> None:
    dataset = pictures(24)
    small, large = (unzip(everything(dataset, batch_size=size)) for size in (4, 24))
    assert torch.equal(small[0], large[0])
    assert torch.equal(small[1], large[1])


def test_the_global_random_state_is_neither_read_nor_changed() -> None:
    dataset = pictures(20)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = unzip(everything(dataset))
    split(dataset, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(unzip(everything(dataset))[0], first[0])


@given(count=st.integers(1, 40), size=st.integers(1, 12), shuffle=st.booleans())
def test_only_a_single_training_image_is_left_out(count: int, size: int, shuffle: bool) -> None:
    dataset = numbered(count)
    batches = Batches(dataset.train, dataset, batch_size=size, shuffle=shuffle)
    sizes = [len(labels) for _, labels in batches]
    alone = shuffle and size > 1 and count % size == 1
    assert len(batches) == len(sizes)
    assert sum(sizes) == count - alone
    assert all(full == size for full in sizes[:-1])


def test_a_shuffled_epoch_has_each_image_once() -> None:
    dataset = pictures(20)
    images, _ = unzip(Batches(dataset.train, dataset, batch_size=6, shuffle=True))
    plain = normalised(dataset.train.images, dataset)
    assert sorted(images.sum((1, 2, 3)).tolist()) == pytest.approx(
        sorted(plain.sum((1, 2, 3)).tolist()), abs=1e-3
    )


@pytest.fixture
def rank(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    def pretend(rank: int, ranks: int) -> None:
        monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.distributed, "get_rank", lambda: rank)
        monkeypatch.setattr(torch.distributed, "get_world_size", lambda: ranks)

    return pretend


@pytest.mark.parametrize(("count", "ranks"), [(12, 3), (13, 3), (2, 5), (17, 2)])
def test_processes_share_the_images_in_equally_many_batches(
    rank: Callable[[int, int], None], count: int, ranks: int
) -> None:
    dataset, seen, lengths = numbered(count), [], set()
    batches = Batches(dataset.train, dataset, batch_size=4)
    for number in range(ranks):
        rank(number, ranks)
        images, _ = unzip(batches)
        lengths.add((len(batches), len(images)))
        seen += ((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
    assert len(lengths) == 1
    assert set(seen) == set(range(count))
    assert len(seen) - count < ranks


@pytest.mark.parametrize("size", [0, -3])
def test_a_batch_size_below_one_is_refused(size: int) -> None:
    dataset = numbered(10)
    with pytest.raises(UserError, match=f"batch size {size} is too small"):
        Batches(dataset.train, dataset, batch_size=size)


def test_the_data_set_is_on_the_device_once_it_is_asked_for() -> None:
    dataset = pictures(20)
    flags = {"shuffle": True, "augment": True, "cutout": True}
    batches = Batches(dataset.train, dataset, batch_size=8, device="meta", **flags)
    again = pickle.loads(pickle.dumps(batches))  # for another process, which has a GPU of its own
    for images, labels in again:
        assert (images.device.type, labels.device.type) == ("meta", "meta")
    assert dataset.train.images.device.type == "cpu"


def test_batches_do_not_write_to_the_images() -> None:
    dataset = pictures(20)
    before = dataset.train.images.clone()
    unzip(everything(dataset))
    assert torch.equal(dataset.train.images, before)


def test_padding_is_black_before_normalisation() -> None:
    white = Images(torch.full((64, 3, 8, 8), 255, dtype=torch.uint8), torch.zeros(64).long())
    dataset = DataSet("white", 1, white, white, (0.5,) * 3, (0.5,) * 3, 1, False)
    images, _ = unzip(Batches(white, dataset, batch_size=64, augment=True))
    assert set(images.flatten().tolist()) == {-1.0, 1.0}
