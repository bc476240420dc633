"""What is refused leaves the disk as it was: nothing is written before everything is checked."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.autosnn_nni.cli.test_app import ARCHITECTURES, SETTINGS

pytestmark = pytest.mark.usefixtures("registries")

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
SKIPS = ",".join(["skip"] * 5)

#: The folder that a command is given: ``OUTPUT`` stands for it.
OUTPUT = "OUTPUT"
SEARCHES = [wrong for wrong, _ in SETTINGS]
TRAININGS = [wrong for wrong, _ in ARCHITECTURES if "--architecture" not in wrong]
WRONG = [
    *(("search", "--output", OUTPUT, *wrong) for wrong in SEARCHES),
    *(("supernet", "--output", OUTPUT, *wrong) for wrong in SEARCHES[::4]),
    *(("train", "--output", OUTPUT, "--blocks", SKIPS, *wrong) for wrong in SEARCHES[::4]),
    *(("train", "--output", OUTPUT, *wrong) for wrong in TRAININGS),
    ("search", "--output", OUTPUT, "--sampling", "often"),
    ("search", "--output", OUTPUT, "--loss", "hinge"),
    ("search", "--output", OUTPUT, "--devices", "0"),
    ("search", "--output", OUTPUT, "--devices", "2", "--sampling", "fair"),
    ("search", "--output", OUTPUT, "--cache-memory", "much"),
    ("search", "--output", OUTPUT, "--max-spikes", "few"),
    ("search", "--output", OUTPUT, "--device", "cuda"),
    ("search", "--output", OUTPUT, "--plugin", "nowhere.py"),
    ("search", "--output", OUTPUT, "--plugin", "fails.py"),
    ("search", "--output", OUTPUT, "--plugin", "blocks.py", "--candidates", "skip,broken"),
    ("search", "--output", OUTPUT, "--dataset", "CIFAR10", "--data-dir", "text.txt"),
    ("search", "--output", OUTPUT, "--dataset", "CIFAR10", "--data-dir", "data"),
    ("supernet", "--output", OUTPUT, "--dataset", "CIFAR10DVS", "--data-dir", "data"),
    ("train", "--output", OUTPUT, "--blocks", SKIPS, "--device", "cuda"),
    ("train", "--output", OUTPUT, "--blocks", SKIPS, "--dataset", "SVHN", "--data-dir", "data"),
    ("train", "--output", OUTPUT, "--pick", "knee", "--from", "empty"),
    ("trust", OUTPUT, "--sample", "0"),
    ("trust", OUTPUT, "--device", "cuda"),
    ("trust", OUTPUT, "empty"),
    ("report", "empty"),
    ("view", "empty"),
    ("view", OUTPUT, "--port", "0"),
    ("view", OUTPUT, "--listen", "192.0.2.7"),
    ("reproduce", "own.yml", "--output", OUTPUT, "--scale", "tiny"),
    ("reproduce", "own.yml", "table99", "--output", OUTPUT),
    ("reproduce", "own.yml", "--output", OUTPUT, "--scale", "full", "--device", "cuda"),
    ("reproduce", "own.yml", "wrong.yml", "--output", OUTPUT, "--scale", "full"),
    ("reproduce", "own.yml", "--output", "text.txt/there", "--scale", "full"),
    ("search", "--output", "text.txt/there"),
    ("search", "--output", "text.txt"),
    ("search", "--output", "full"),
    ("train", "--output", "full", "--blocks", SKIPS),
]
RECIPE = (
    "{title: T, figure: bubbles, seeds: [0], settings: {dataset: DATA, channels: 2, images: 60, "
    "timesteps: 1, retrain_epochs: 1}, rows: [{name: a, blocks: BLOCK}]}"
)
BLOCKS = """
from torch import nn
from autosnn_nni.search_spaces import BLOCKS
BLOCKS.add("broken", lambda before, after, stride, neuron: nn.Conv2d(before, after + 1, 1))
"""


def tree(folder: Path) -> dict[str, tuple[int, bytes] | None]:
    """Everything below a folder, files with their times and contents."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        if path.is_file()
        else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with all that the commands name."""
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "data", "full"):
        Path(name).mkdir()
    Path("data/cifar-10-python.tar.gz").write_text("no archive")
    Path("data/train_32x32.mat").write_text("no matrix")
    Path("data/CIFAR10DVS.zip").write_text("no archive")
    Path("full/thesis.tex").write_text("a year's work")
    Path("text.txt").write_text("hello")
    Path("fails.py").write_text("1 / 0\n")
    Path("blocks.py").write_text(BLOCKS)
    good = RECIPE.replace("DATA", "digits")
    Path("own.yml").write_text(good.replace("BLOCK", "skip"))
    Path("wrong.yml").write_text(good.replace("BLOCK", "skop"))
    return tmp_path


def refuse(autosnn: Autosnn, command: Args, output: str, place: Path) -> None:
    before = tree(place)
    outcome = autosnn(*(output if part == OUTPUT else part for part in command))
    assert outcome.code == 2, outcome
    assert outcome.err.startswith("autosnn: ")
    assert len(outcome.err.splitlines()) == 1
    assert outcome.out == ""
    assert tree(place) == before


@pytest.mark.parametrize("command", WRONG, ids=" ".join)
def test_what_is_refused_leaves_the_disk_as_it_was(
    command: Args, place: Path, finished: Path, autosnn: Autosnn
) -> None:
    """Where the folder is new, in new ones itself; where it is empty; where it is a run's."""
    shutil.copytree(finished, "run")
    Path("run/.lock").unlink()  # as in a run that was copied by its visible files
    for output in ("new/folders/run", "empty", "run"):
        if command[0] == "reproduce" and output == "run":
            continue
        refuse(autosnn, command, output, place)


@pytest.mark.parametrize(
    ("broken", "command"),
    [
        ("supernet.ckpt", ("search", "--lambda", "-0.5")),
        ("supernet.ckpt", ("supernet", "--retrain-epochs", "1")),
        ("settings.json", ("search",)),
    ],
)
def test_a_broken_file_is_found_before_the_results_are_moved_away(
    broken: str, command: Args, place: Path, finished: Path, autosnn: Autosnn
) -> None:
    shutil.copytree(finished, "run")
    Path("run", broken).write_text("{")
    refuse(autosnn, (*command, "--output", OUTPUT), "run", place)


@pytest.mark.parametrize(
    "command",
    [
        ("search", "--channels", "100000000"),
        ("search", "--timesteps", "1000000000"),
        ("supernet", "--timesteps", "2,1000000000"),
        ("supernet", "--dataset", "digitsDVS", "--timesteps", "1000000000"),
        ("train", "--blocks", SKIPS, "--channels", "1000000"),
        ("train", "--network", "ResNet11-Lee", "--channels", "1000000"),
        ("describe", "--blocks", SKIPS, "--channels", "100000000"),
        ("describe", "--blocks", SKIPS, "--timesteps", "10000000000"),
    ],
    ids=" ".join,
)
def test_what_cannot_fit_is_refused_with_both_sizes(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autosnn: Autosnn
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = autosnn(*command)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert "needs at least" in line
    assert "are free; use fewer --channels" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_another_process_has_done_meanwhile_is_seen(
    place: Path, autosnn: Autosnn, tiny: Args, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two trainings of different networks begin in one folder: the second one is refused."""
    from autosnn_nni import pipeline

    command = ("train", "--output", "run", *tiny)
    other = ("--blocks", SKIPS.replace("skip", "SCB_k3"))
    lock = pipeline.locked

    def late(path: Path) -> Any:
        monkeypatch.setattr(pipeline, "locked", lock)
        assert autosnn(*command, *other).code == 0
        return lock(path)

    monkeypatch.setattr(pipeline, "locked", late)
    outcome = autosnn(*command, "--blocks", SKIPS)
    assert outcome.code == 2
    assert "holds another architecture" in outcome.err
