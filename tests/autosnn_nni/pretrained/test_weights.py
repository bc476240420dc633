import shutil
from pathlib import Path

import pytest
import torch

import autosnn_nni
from autosnn_nni.data import load_dataset
from autosnn_nni.errors import UserError
from autosnn_nni.pretrained import Entry, load_pretrained, read_index
from autosnn_nni.pretrained.index import FOLDER, write_index
from autosnn_nni.pretrained.measuring import measure
from autosnn_nni.pretrained.weights import checksum, weights_of
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.search_spaces import SpikingNetwork

NAMES = ("AutoSNN-0.08", "digits")
ENTRIES = pytest.mark.parametrize("entry", read_index(), ids=lambda entry: entry.file)


def message(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_pretrained(*NAMES, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def folder(added: Path, tmp_path: Path) -> Path:
    """A folder of weights of the test's own."""
    return shutil.copytree(added, tmp_path / "pretrained")


def check_results(entry: Entry, images: int | None) -> None:
    """The weights of the package have their documented results."""
    network = load_pretrained(entry.network, entry.dataset).network
    dataset = load_dataset(entry.dataset, timesteps=max(entry.config.timesteps_choice))
    assert (dataset.mean, dataset.std) == (entry.mean, entry.std)
    found = measure(network, dataset, Scoring(device="cpu"), images)
    documented = entry.test if images is None else entry.first
    assert documented.images == (images or len(dataset.test))
    assert documented.is_near(found.accuracy, found.spikes), found


@ENTRIES
def test_the_weights_of_the_package_fit(entry: Entry) -> None:
    pretrained = autosnn_nni.load_pretrained(entry.network, entry.dataset)
    network = pretrained.network
    assert not any(module.training for module in network.modules())
    assert sum(one.numel() for one in network.parameters()) == entry.parameters
    assert {one.dtype for one in network.parameters()} == {torch.float32}
    assert (pretrained.accuracy, pretrained.spikes) == (entry.test.accuracy, entry.test.spikes)
    assert network(torch.zeros(2, *entry.shape)).shape == (2, entry.classes)


@pytest.mark.data
@ENTRIES
def test_the_first_test_images_have_the_documented_results(entry: Entry) -> None:
    check_results(entry, entry.first.images)


@pytest.mark.data
@pytest.mark.slow
@ENTRIES
def test_all_test_images_have_the_documented_results(entry: Entry) -> None:
    check_results(entry, None)


def test_a_file_has_the_weights_it_was_written_with(added: Path) -> None:
    pretrained = load_pretrained(*NAMES, added)
    content = (added / pretrained.entry.file).read_bytes()
    assert weights_of(pretrained.network) == content
    assert checksum(content) == pretrained.entry.sha256


def test_random_numbers_stay_as_they_are(added: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load_pretrained(*NAMES, added)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_damaged_file_is_refused(keep: int, folder: Path) -> None:
    (path,) = folder.glob("*.pt")
    path.write_bytes(path.read_bytes()[:keep])
    assert message(folder) == (
        f"{path} is damaged: its checksum is not that of the index; install autosnn-nni again"
    )


def test_a_missing_file_is_refused(folder: Path) -> None:
    (path,) = folder.glob("*.pt")
    path.unlink()
    assert message(folder) == (
        f"{path} cannot be read (No such file or directory); install autosnn-nni again"
    )


@pytest.mark.parametrize("other", ["weights", "text"])
def test_other_weights_than_the_networks_are_refused(other: str, folder: Path) -> None:
    """Even with their own checksum."""
    (entry,) = read_index(folder)
    small: SpikingNetwork = load_pretrained(*NAMES, folder).network
    content = weights_of(small.stem) if other == "weights" else b"text"  # type: ignore[arg-type]
    (folder / entry.file).write_bytes(content)
    write_index([Entry.from_json({**entry.to_json(), "sha256": checksum(content)})], folder)
    assert message(folder) == (
        f"{folder}/{entry.file} does not have the weights of AutoSNN-0.08; "
        "install autosnn-nni again"
    )


def test_the_packages_files_are_small() -> None:
    """Every version of them stays in the repository."""
    assert all(path.stat().st_size < 2_000_000 for path in FOLDER.glob("*.pt"))
