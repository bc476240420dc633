import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from autosnn_nni import __version__
from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.formats import FORMAT
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.search_spaces import NetworkConfig, SpikingSpace, build_network
from autosnn_nni.strategies import SinglePathOneShot
from autosnn_nni.training.checkpoints import check_same_network, load_checkpoint
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.hyperparameters import Training

CONFIG = NetworkConfig("SNN_1", shape=(1, 8, 8), classes=10, channels=2, timesteps=2)
BLOCKS = ("SCB_k3", "skip", "SRB_k3", "skip", "skip")
ABOUT = {"kind": "network", "settings": {"seed": 3, "candidates": ["skip"]}, "blocks": list(BLOCKS)}

Train = Callable[[Path, int], Any]


@pytest.fixture(scope="module")
def train(tiny_digits: Splits) -> Train:
    def train(path: Path, epochs: int) -> Any:
        training = Training(epochs=epochs, batch_size=40, device="cpu")
        scoring = replace(training.scoring, calibration_batches=0)
        data = tiny_digits, training, scoring
        return train_network(CONFIG, BLOCKS, *data, checkpoint=path, about=ABOUT)

    return train


@pytest.fixture(scope="module")
def trained(train: Train, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    path = tmp_path_factory.mktemp("trained") / "retrained.ckpt"
    return path, train(path, 2)


def refusal(path: Path) -> str:
    """What is said of a file that can't be loaded: one line that names it."""
    with pytest.raises(UserError) as caught:
        load_checkpoint(path)
    (line,) = str(caught.value).splitlines()
    assert str(path) in line
    return line


def test_a_training_in_python_resumes_without_settings(tiny_digits: Splits, tmp_path: Path) -> None:
    def train(blocks: tuple[str, ...], epochs: int) -> Any:
        training = Training(epochs=epochs, batch_size=40, device="cpu")
        return train_network(CONFIG, blocks, tiny_digits, training, checkpoint=tmp_path / "a.ckpt")

    train(BLOCKS, 1)
    assert train(BLOCKS, 2).accuracy >= 0
    found = load_checkpoint(tmp_path / "a.ckpt")
    assert (found.kind, found.blocks, found.epochs) == ("network", BLOCKS, 2)
    assert found.settings["space"] == CONFIG.space
    other = ("skip",) * len(BLOCKS)
    with pytest.raises(UserError, match="is of another network: blocks is"):
        train(other, 3)


def test_a_supernet_in_python_resumes_without_settings(tiny_digits: Splits, tmp_path: Path) -> None:
    training = Training(epochs=1, batch_size=40, device="cpu")
    for epochs in (1, 2):
        training = replace(training, epochs=epochs)
        evaluator = SpikingEvaluator(tiny_digits, training, checkpoint=tmp_path / "a.ckpt")
        space = SpikingSpace(**vars(CONFIG))
        RetiariiExperiment(space, evaluator, strategy=SinglePathOneShot(0)).run_in_process()
        assert load_checkpoint(tmp_path / "a.ckpt").epochs == epochs


def test_it_says_what_it_is(trained: tuple[Path, Any]) -> None:
    checkpoint = load_checkpoint(trained[0])
    assert checkpoint.kind == "network"
    assert checkpoint.settings == ABOUT["settings"]
    assert checkpoint.blocks == BLOCKS
    assert checkpoint.epochs == 2
    assert checkpoint.n_avg > 0


def test_its_weights_fit_the_network(trained: tuple[Path, Any]) -> None:
    path, result = trained
    network = build_network(CONFIG, BLOCKS)
    network.load_state_dict(load_checkpoint(path).weights)
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(network.eval()(images), result.network.eval()(images))


def test_it_is_read_without_running_code_from_the_file(trained: tuple[Path, Any]) -> None:
    raw = torch.load(trained[0], weights_only=True)
    assert raw["n_avg"] == load_checkpoint(trained[0]).n_avg
    assert raw["autosnn"]["format"] == FORMAT
    assert raw["autosnn"]["version"] == __version__
    assert type(raw["n_avg"]) is float


def test_nothing_but_the_checkpoint_and_its_curve_is_left(trained: tuple[Path, Any]) -> None:
    assert {path.name for path in trained[0].parent.iterdir()} == {
        "retrained.ckpt",
        "retrained.csv",
    }


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none.ckpt")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(
    kept: float, trained: tuple[Path, Any], tmp_path: Path
) -> None:
    whole = trained[0].read_bytes()
    path = tmp_path / "retrained.ckpt"
    path.write_bytes(whole[: int(kept * len(whole))])
    assert "broken" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"", b"epoch,loss\n0,0.1\n", b"\x89PNG\r\n", b"PK\x03\x04", b"\x80\x02}q\x00."]
)
def test_a_foreign_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize(
    "value",
    [
        {"state_dict": {}, "epoch": 1},
        {"autosnn": {}},
        {"autosnn": None},
        {"autosnn": {"format": FORMAT}},
        torch.zeros(3),
        [1, 2],
    ],
    ids=["Lightning's own", "no format", "nothing said", "nothing but a format", "tensor", "list"],
)
def test_what_torch_saved_for_others_is_refused(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    torch.save(value, path)
    refusal(path)


def saved_with(path: Path, source: Path, **about: Any) -> Path:
    """A copy of a checkpoint that says other things of itself; ``None`` stands for nothing."""
    raw = torch.load(source, weights_only=True)
    said = {**raw["autosnn"], **about}
    raw["autosnn"] = {key: value for key, value in said.items() if value is not None}
    torch.save(raw, path)
    return path


@pytest.mark.parametrize("format_", [99, "autosnn-nni/99"])
def test_a_later_format_is_refused(
    format_: object, trained: tuple[Path, Any], tmp_path: Path
) -> None:
    later = saved_with(tmp_path / "later.ckpt", trained[0], format=format_, version="9.1.0")
    line = refusal(later)
    assert f"has format 99, but autosnn-nni {__version__} reads formats up to {FORMAT};" in line
    assert "upgrade autosnn-nni to 9.1.0 or later" in line


@pytest.mark.parametrize("format_", [None, 0, "autosnn-nni/1"])
def test_an_earlier_format_is_read(
    format_: object, trained: tuple[Path, Any], tmp_path: Path
) -> None:
    path = saved_with(tmp_path / "earlier.ckpt", trained[0], format=format_, version=None)
    assert load_checkpoint(path).epochs == 2


def test_a_setting_that_a_checkpoint_lacks_is_no_difference(trained: tuple[Path, Any]) -> None:
    path, _ = trained
    found, settings = load_checkpoint(path), {"candidates": ["skip"], "batch_norm": "kept"}
    about = {**ABOUT, "settings": settings}
    check_same_network(path, found, about)
    check_same_network(path, found, about, before={"batch_norm": "kept"})
    with pytest.raises(UserError, match="batch_norm is timestep there, kept here"):
        check_same_network(path, found, about, before={"batch_norm": "timestep"})
    with pytest.raises(UserError, match="candidates is \\['skip'\\] there, None here"):
        check_same_network(path, found, {**ABOUT, "settings": {}})


class Trap:
    """A pickle that would run code where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_code_in_a_file_is_never_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save({"autosnn": Trap(sprung)}, tmp_path / "trap.ckpt")
    refusal(tmp_path / "trap.ckpt")
    assert not sprung.exists()


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file may grow beyond ``limit`` bytes: writing fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def saved(train: Train, tmp_path: Path) -> Path:
    """A checkpoint of one epoch, alone in its folder but for the curve."""
    path = tmp_path / "run" / "retrained.ckpt"
    train(path, 1)
    return path


def assert_refused_and_intact(path: Path, go_on: Callable[[], Any]) -> None:
    before, names = path.read_bytes(), {one.name for one in path.parent.iterdir()}
    with pytest.raises(UserError, match="cannot write") as caught:
        go_on()
    assert len(str(caught.value).splitlines()) == 1
    assert path.read_bytes() == before
    assert {one.name for one in path.parent.iterdir()} == names
    assert load_checkpoint(path).epochs == 1


@pytest.mark.parametrize(("owner", "function"), [(os, "fsync"), (Path, "replace")])
def test_a_full_disk_leaves_the_last_epoch_and_nothing_half_written(
    owner: Any, function: str, saved: Path, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, function, no_space)
    assert_refused_and_intact(saved, lambda: train(saved, 2))
    monkeypatch.undo()
    train(saved, 2)  # once there is room
    assert load_checkpoint(saved).epochs == 2


def test_a_file_that_cannot_be_written_whole_leaves_the_last_epoch(
    saved: Path, train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with small_files(16_384):
        assert saved.stat().st_size > 16_384
        assert_refused_and_intact(saved, lambda: train(saved, 2))
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_checkpoint_is_made(saved: Path) -> None:
    assert saved.parent.is_dir()


def test_a_folder_that_cannot_be_made_is_refused(train: Train, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        train(tmp_path / "file" / "retrained.ckpt", 1)
