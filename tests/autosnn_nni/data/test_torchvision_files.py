"""Files in the formats that torchvision reads: found, damaged, downloaded."""

import gzip
import hashlib
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

from autosnn_nni.data import (
    DATASETS,
    load_dataset,
)
from tests.autosnn_nni.conftest import message
from tests.autosnn_nni.data.made import pixels

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
TRAIN, TEST = 100, 20
HALF = b"half a file"

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


def test_a_pixel_of_the_small_fashion_mnist_is_the_mean_of_four(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    large, small = (load_dataset(f"FashionMNIST{size}", tmp_path) for size in ("", "14"))
    assert small.shape == (1, 14, 14)
    for one, other in ((large.train, small.train), (large.test, small.test)):
        four = one.images.numpy().reshape(-1, 1, 14, 2, 14, 2).astype(float)
        assert np.array_equal(other.images.numpy(), np.rint(four.mean((3, 5))))
        assert torch.equal(one.labels, other.labels)


def test_idx_files_may_be_unpacked(tmp_path: Path) -> None:
    write_mnist(tmp_path / "a")
    write_mnist(tmp_path / "b", packed=False)
    packed, plain = (load_dataset("MNIST", tmp_path / place) for place in ("a", "b"))
    assert torch.equal(packed.train.images, plain.train.images)
    assert torch.equal(packed.test.labels, plain.test.labels)


@pytest.mark.data
@pytest.mark.parametrize("folder", [None, DEBIAN])
def test_fashion_mnist_comes_from_debians_package(folder: Path | None) -> None:
    dataset = load_dataset("FashionMNIST", folder)
    assert dataset.train.images.shape == (60_000, 1, 28, 28)
    assert dataset.test.labels.bincount().tolist() == [1000] * 10
    assert dataset.train.labels[:5].tolist() == [9, 0, 0, 3, 0]
    assert dataset.mean == pytest.approx((0.2860,), abs=5e-5)
    assert dataset.std == pytest.approx((0.3530,), abs=5e-5)


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


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_a_damaged_archive_is_named_where_nothing_can_be_downloaded(
    tmp_path: Path, name: str
) -> None:
    source = getattr(torchvision.datasets, name)
    (tmp_path / source.filename).write_bytes(HALF)
    said = message(name, tmp_path)
    md5 = hashlib.md5(HALF).hexdigest()
    assert said.startswith(f"{tmp_path / source.filename} is damaged: its MD5 checksum is {md5} ")
    assert f"instead of {source.tgz_md5}; restore it ({name} is not in" in said
    assert (tmp_path / source.filename).read_bytes() == HALF
