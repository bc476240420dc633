"""A run knows its training images: its later stages refuse other ones."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autosnn_nni.files import read_json

Autosnn = Callable[..., Any]
Arrays = dict[str, NDArray[Any]]

SMALL = (
    *("--channels", "2", "--timesteps", "2", "--neuron", "IF", "--candidates", "skip,SCB_k3"),
    *("--supernet-epochs", "1", "--rounds", "1", "--retrain-epochs", "1", "--no-baselines"),
    *("--retrain-top", "1"),
)


def arrays(count: int = 60) -> Arrays:
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (count, 8, 8), dtype=np.uint8)
    labels = np.arange(count) % 2
    return {"x_train": pictures, "y_train": labels, "x_test": pictures[:20], "y_test": labels[:20]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "own.npz"
    np.savez(path, **arrays())  # type: ignore[arg-type]
    return path


@pytest.fixture
def trained(tmp_path: Path, data: Path, autosnn: Autosnn) -> Path:
    run = tmp_path / "run"
    assert autosnn("supernet", "--dataset", data, *SMALL, "--output", run).code == 0
    return run


def search(autosnn: Autosnn, data: Path, run: Path) -> Any:
    return autosnn("search", "--dataset", data, *SMALL, "--output", run)


def more(kept: Arrays) -> None:
    kept.update(arrays(70))


def relabelled(kept: Arrays) -> None:
    kept["y_train"] = 1 - kept["y_train"]


def reordered(kept: Arrays) -> None:
    kept["x_train"] = kept["x_train"][::-1].copy()


def with_another_d_val(kept: Arrays) -> None:
    kept["x_val"], kept["y_val"] = kept["x_train"][40:], kept["y_train"][40:]
    kept["x_train"], kept["y_train"] = kept["x_train"][:40], kept["y_train"][:40]


@pytest.mark.parametrize("change", [more, relabelled, reordered, with_another_d_val])
def test_a_search_refuses_other_training_images_than_its_supernets(
    change: Callable[[Arrays], None], data: Path, trained: Path, autosnn: Autosnn
) -> None:
    kept = arrays()
    change(kept)
    np.savez(data, **kept)  # type: ignore[arg-type]
    before = {path: path.read_bytes() for path in trained.iterdir() if path.is_file()}
    outcome = search(autosnn, data, trained)
    now = 70 if change is more else 60
    assert outcome.code == 2
    assert outcome.err == (
        f"autosnn: {data} has other training images than when {trained} began (60 then, {now} "
        "now); restore them or choose another --output\n"
    )
    assert {path: path.read_bytes() for path in trained.iterdir() if path.is_file()} == before
    np.savez(data, **arrays())  # type: ignore[arg-type]
    assert search(autosnn, data, trained).code == 0


def test_pictures_may_be_decoded_a_little_differently(
    data: Path, trained: Path, autosnn: Autosnn
) -> None:
    kept = arrays()
    kept["x_train"] = np.where(kept["x_train"] < 255, kept["x_train"] + 1, 255).astype(np.uint8)
    np.savez(data, **kept)  # type: ignore[arg-type]
    assert search(autosnn, data, trained).code == 0


def test_events_must_be_the_same_ones(tmp_path: Path, autosnn: Autosnn) -> None:
    """Their counts are small, and nothing decodes them differently."""
    folder, run = tmp_path / "events", tmp_path / "run"
    draw = np.random.default_rng(0)

    def write(count: int) -> None:
        for part, label, number in itertools.product(("train", "test"), "ab", range(8)):
            path = folder / part / label / f"{number}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            x, y, p = draw.integers(0, (8, 8, 2), (count, 3)).T
            np.savez(path, t=np.arange(count), x=x, y=y, p=p)

    write(40)
    assert autosnn("supernet", "--dataset", folder, *SMALL, "--output", run).code == 0
    write(41)
    outcome = search(autosnn, folder, run)
    assert outcome.code == 2
    assert "has other training images than when" in outcome.err


def test_other_test_images_are_taken(data: Path, trained: Path, autosnn: Autosnn) -> None:
    kept = arrays()
    np.savez(data, **{**kept, "x_test": kept["x_train"], "y_test": kept["y_train"]})  # type: ignore[arg-type]
    assert search(autosnn, data, trained).code == 0


def test_a_run_of_an_earlier_version_learns_what_its_images_are(
    data: Path, trained: Path, autosnn: Autosnn
) -> None:
    written = read_json(trained / "data.json")
    (trained / "data.json").unlink()
    assert search(autosnn, data, trained).code == 0
    assert read_json(trained / "data.json") == written
    assert written["images"] == 60


def test_a_network_is_trained_on_other_data_in_the_same_folder(
    tmp_path: Path, data: Path, autosnn: Autosnn
) -> None:
    """Nothing was learnt from the first ones but the network that is moved to ``previous/``."""
    run, other = tmp_path / "run", tmp_path / "other.npz"
    np.savez(other, **arrays(50))  # type: ignore[arg-type]
    train = (
        *("train", "--blocks", "skip,SCB_k3,skip,skip,skip", "--channels", "2", "--timesteps", "2"),
        *("--neuron", "IF", "--retrain-epochs", "1", "--output", run),
    )
    assert autosnn(*train, "--dataset", data).code == 0
    assert autosnn(*train, "--dataset", other).code == 0
    assert read_json(run / "data.json")["images"] == 50
    assert read_json(run / "previous/1/data.json")["images"] == 60


def test_a_broken_file_is_told(data: Path, trained: Path, autosnn: Autosnn) -> None:
    (trained / "data.json").write_text("{}")
    outcome = search(autosnn, data, trained)
    assert outcome.code == 2
    assert outcome.err == (
        f"autosnn: {trained / 'data.json'} is broken; restore it or start a new run\n"
    )
