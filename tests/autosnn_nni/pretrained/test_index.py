import json
from fnmatch import fnmatch
from pathlib import Path
from tomllib import loads

import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.formats import FORMAT
from autosnn_nni.pretrained import Entry, Measured, find_entry, read_index
from autosnn_nni.pretrained.index import FOLDER, write_index
from autosnn_nni.search_spaces import NETWORKS

ROOT = Path(__file__).parents[3]


def message(network: str, dataset: str, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        find_entry(network, dataset, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("network", "dataset", "fault"),
    [
        ("AutoSNN-0.8", "digits", "unknown network 'AutoSNN-0.8'; did you mean 'AutoSNN-0.08'?"),
        ("AutoSNN-0.08", "digit", "unknown data set 'digit'; did you mean 'digits'?"),
        (
            "AutoSNN-0",
            "digits",
            "no weights of AutoSNN-0 for digits come with autosnn-nni; "
            "known: AutoSNN-0.08 for digits",
        ),
        ("AutoSNN-0.08", "MNIST", "no weights of AutoSNN-0.08 for MNIST"),
    ],
)
def test_names_without_weights_are_refused(
    network: str, dataset: str, fault: str, added: Path
) -> None:
    assert fault in message(network, dataset, added)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"entries": [1]}', '{"entries": [{"network": "a"}]}']
)
def test_a_damaged_index_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(content)
    fault = message("AutoSNN-0.08", "digits", tmp_path)
    assert fault == f"{tmp_path}/index.json is missing or damaged; install autosnn-nni again"


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    assert "index.json is missing" in message("AutoSNN-0.08", "digits", tmp_path)


def test_the_index_is_read_as_it_was_written(added: Path, tmp_path: Path) -> None:
    entries = read_index(added)
    write_index(entries, tmp_path)
    assert read_index(tmp_path) == entries
    assert json.loads((tmp_path / "index.json").read_text())["format"] == FORMAT


@pytest.mark.parametrize(
    ("accuracy", "spikes", "near"),
    [(0.9, 1000, True), (0.904, 996, True), (0.89, 1000, False), (0.9, 990, False)],
)
def test_processors_may_round_differently(accuracy: float, spikes: float, near: bool) -> None:
    assert Measured(500, 0.9, 1000.0).is_near(accuracy, spikes) == near


@pytest.mark.parametrize("entry", read_index(), ids=lambda entry: entry.file)
def test_an_entry_describes_its_network(entry: Entry) -> None:
    named = NETWORKS[entry.network]
    assert (named.space, named.blocks) == (entry.config.space, entry.blocks)
    assert (entry.config.shape, entry.config.classes) == (entry.shape, entry.classes)
    assert entry.command.startswith(f"autosnn train --network {entry.network} ")


def test_every_file_belongs_to_an_entry_and_is_packaged() -> None:
    """Nothing else is in the folder but modules."""
    files = {path.name for path in FOLDER.iterdir() if path.is_file() and path.suffix != ".py"}
    assert files == {"index.json", "__init__.pyi", *(entry.file for entry in read_index())}
    setuptools = loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = setuptools["package-data"]["autosnn_nni.pretrained"]
    assert all(any(fnmatch(name, pattern) for pattern in patterns) for name in files)
    assert "autosnn_nni.pretrained" in setuptools["packages"]
