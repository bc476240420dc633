"""``autosnn evaluate --network NAME --pretrained DATASET``."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.cli import pretrained as command
from autosnn_nni.files import read_json
from autosnn_nni.pretrained import Entry, load_pretrained, read_index
from autosnn_nni.pretrained.add import add

Autosnn = Callable[..., Any]
ASKED = ("evaluate", "--network", "AutoSNN-0.08", "--pretrained")


@pytest.fixture(scope="module")
def trained(make_run: Callable[..., Path], tiny: tuple[str, ...]) -> Path:
    return make_run("train", "--network", "AutoSNN-0.08", *tiny)


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights for digits in place of the package's."""
    folder = tmp_path / "pretrained"
    add(trained, folder)
    monkeypatch.setattr(command, "load_pretrained", partial(load_pretrained, folder=folder))
    return folder


def test_weights_have_the_results_of_their_training(
    folder: Path, trained: Path, autosnn: Autosnn
) -> None:
    outcome = autosnn(*ASKED, "digits", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    told, result = json.loads(outcome.out), read_json(trained / "result.json")
    assert {key: told[key] for key in result.keys() & told.keys()}.items() <= result.items()
    documented = {key: result[key] for key in ("accuracy", "spikes")}
    assert told["documented"] == {"images": 359, **documented}
    assert told["milliseconds_per_image"] > 0
    assert (told["network"], told["dataset"]) == ("AutoSNN-0.08", "digits")
    assert "--network AutoSNN-0.08" in told["command"]


def test_a_person_reads_what_is_measured_and_what_is_documented(
    folder: Path, autosnn: Autosnn
) -> None:
    (entry,) = read_index(folder)
    accuracy = f"{100 * entry.test.accuracy:.2f} % test accuracy"
    out = autosnn(*ASKED, "digits").out
    assert f"SRB_k5, SRB_k5, skip, SRB_k3, SRB_k5: {accuracy}" in out
    assert f"Documented for AutoSNN-0.08 on digits: {accuracy}" in out
    assert f"Trained with: {entry.command}\n" in out
    assert "ms per image" in out


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--pretrained", "digits"), "or --network and --pretrained (autosnn list pretrained)"),
        (("--network", "AutoSNN-0.08"), "or --network and --pretrained"),
        (("run", "--pretrained", "digits"), "own weights; leave out --pretrained"),
        ((*ASKED[1:], "digits", "--blocks", "skip"), "own blocks; leave out --blocks"),
        ((*ASKED[1:], "Fashion-MNIST"), "unknown data set 'Fashion-MNIST'; did you mean 'Fash"),
        ((*ASKED[1:], "SVHN"), "no weights of AutoSNN-0.08 for SVHN come with autosnn-nni"),
        (("--network", "AutoSNN", "--pretrained", "digits"), "unknown network 'AutoSNN'"),
    ],
)
def test_what_does_not_name_weights_is_refused(
    arguments: tuple[str, ...], fault: str, autosnn: Autosnn
) -> None:
    outcome = autosnn("evaluate", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert fault in line


def test_a_damaged_file_is_refused(folder: Path, autosnn: Autosnn) -> None:
    (path,) = folder.glob("*.pt")
    path.write_bytes(path.read_bytes()[:-1])
    outcome = autosnn(*ASKED, "digits")
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert f"{path} is damaged" in line


def test_all_weights_are_listed(autosnn: Autosnn) -> None:
    listed = autosnn("list", "pretrained").out.splitlines()
    assert listed == [f"{entry.network} {entry.dataset}" for entry in read_index()]
    assert "AutoSNN-0.08 FashionMNIST" in listed


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("entry", read_index(), ids=lambda entry: entry.file)
def test_the_packages_weights_are_evaluated(entry: Entry, autosnn: Autosnn) -> None:
    names = ("--network", entry.network, "--pretrained", entry.dataset)
    told = json.loads(autosnn("evaluate", *names, "--json").out)
    assert entry.test.is_near(told["accuracy"], told["spikes"])
