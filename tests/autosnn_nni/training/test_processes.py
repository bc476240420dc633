"""One supernet trained by two processes, on one machine and on two, over gloo on the CPU."""

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
import torch
from torch.nn.functional import mse_loss, one_hot

from autosnn_nni.data import batches
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.inputs import load_data, make_space, training_of
from autosnn_nni.runs.machine import Machine
from autosnn_nni.search_spaces import subnet, to_sample
from autosnn_nni.search_spaces.build import seeded
from autosnn_nni.strategies import Choices
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.checkpoints import Checkpoint, load_checkpoint
from tests.autosnn_nni.conftest import EXECUTABLE
from tests.ports import free_port

pytestmark = pytest.mark.long

Autosnn = Callable[..., Any]
TORCHRUN = EXECUTABLE.with_name("torchrun")
WRITTEN = {".lock", "run.log", "data.json", "settings.json", "supernet.ckpt", "supernet.csv"}
SETTINGS = (
    *("--channels", "4", "--timesteps", "2", "--images", "400", "--learning-rate", "0.02"),
    *("--schedule", "cosine", "--batch-size", "16", "--supernet-epochs", "5", "--device", "cpu"),
)
#: 48 images to train on, 24 of them in each process: an epoch is a step.
ONE_STEP = ("--channels", "2", "--timesteps", "2", "--images", "60", "--supernet-epochs", "1")


def assert_same(one: Checkpoint, two: Checkpoint) -> None:
    assert one.n_avg == two.n_avg
    assert one.weights.keys() == two.weights.keys() != set()
    assert all(torch.equal(one.weights[key], two.weights[key]) for key in one.weights)


GUARD = 'if __name__ == "__main__":\n    '


@pytest.mark.parametrize(
    ("before", "passes"),
    [("", False), ("if True:\n    ", False), (GUARD, True), (f"import sys\n{GUARD}", True)],
)
def test_a_script_without_a_guard_is_told_to_add_it(
    before: str, passes: bool, tmp_path: Path, start: Autosnn
) -> None:
    """Python would run it again in each process, and wait for these processes forever."""
    script = tmp_path / "mine.py"
    script.write_text(
        "from autosnn_nni.training.processes import check_main_guard\n"
        "def train():\n    check_main_guard(1)\n    check_main_guard(2)\n    print('trains')\n"
        f"{before}train()\n"
    )
    outcome = start(script, command=sys.executable).wait()
    *_, last = (outcome.out + outcome.err).splitlines()
    if passes:
        assert (outcome.code, last) == (0, "trains")
    else:
        assert outcome.code == 1
        assert last.endswith(
            "UserError: 2 devices need more processes, which import mine.py; put what it runs "
            'under: if __name__ == "__main__":'
        )


@pytest.fixture(scope="module")
def spawned(tmp_path_factory: pytest.TempPathFactory, start: Autosnn) -> Path:
    """The run of a supernet trained by two processes that Lightning has started."""
    run = tmp_path_factory.mktemp("spawned") / "run"
    outcome = start("supernet", "--devices", "2", "--output", run, *SETTINGS).wait()
    assert outcome.code == 0, outcome.err
    return run


def test_two_processes_train_one_supernet(spawned: Path) -> None:
    """Each on a path of its own, and there is no deadlock."""
    curve = pd.read_csv(spawned / "supernet.csv")
    checkpoint = load_checkpoint(spawned / "supernet.ckpt")
    assert checkpoint.epochs == len(curve) == 5
    assert curve["loss"].iloc[-1] < 0.98 * curve["loss"].iloc[0]
    assert curve["accuracy"].between(0, 1).all()
    assert checkpoint.n_avg == pytest.approx(curve["spikes"].mean())
    assert {path.name for path in spawned.iterdir()} == WRITTEN


def test_two_processes_have_half_the_steps_of_one(spawned: Path) -> None:
    (schedule,) = torch.load(spawned / "supernet.ckpt", weights_only=True)["lr_schedulers"]
    assert schedule["T_max"] == schedule["last_epoch"] == 5 * 10  # 320 images in batches of 16


def test_two_machines_train_it_as_one_does(spawned: Path, tmp_path: Path, start: Autosnn) -> None:
    """Both run the whole command by torchrun; the first one alone writes and prints."""
    run, nodes = tmp_path / "run", ("--nnodes", 2, "--nproc-per-node", 1)
    there = ("--master-addr", "127.0.0.1", "--master-port", free_port())
    command = ("--no-python", EXECUTABLE, "supernet", "--output", run, *SETTINGS)
    machines = [
        start(*nodes, *there, "--node-rank", rank, *command, command=TORCHRUN) for rank in (0, 1)
    ]
    first, second = (machine.wait() for machine in machines)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert first.out.startswith(f"Supernet: {run}")
    assert second.out == ""
    assert "epochs" not in second.err  # no second progress bar
    assert {path.name for path in run.iterdir()} == WRITTEN
    assert_same(load_checkpoint(run / "supernet.ckpt"), load_checkpoint(spawned / "supernet.ckpt"))


def test_a_step_follows_the_mean_loss_of_the_processes_paths(
    tmp_path: Path, start: Autosnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block on the path of one process learns from it alone, one on no path not at all."""
    command = ("supernet", "--devices", "2", "--device", "cpu", "--output", tmp_path / "run")
    outcome = start(*command, *ONE_STEP).wait()
    assert outcome.code == 0, outcome.err
    run = load_run(tmp_path / "run")
    training = training_of(run, 1, Machine(device="cpu"))
    data, choices = load_data(run, Machine()), Choices([run.settings.candidates] * 5)
    with seeded(0):
        supernet = make_space(run).network
    before = {name: weights.clone() for name, weights in supernet.state_dict().items()}
    paths = [to_sample(choices.random(Random(seed))) for seed in ("0/0", "0/0/1")]
    assert paths[0] != paths[1]
    optimizer = torch.optim.Adam(supernet.parameters(), lr=training.peak_rate)
    for rank, path in enumerate(paths):
        monkeypatch.setattr(batches, "_rank_and_ranks", lambda rank=rank: (rank, 2))
        ((images, labels),) = train_batches(data, training)
        votes = subnet(supernet, path).train()(images)
        (mse_loss(votes, one_hot(labels, 10).float()) / 2).backward()
    optimizer.step()
    after = load_checkpoint(run.supernet).weights
    for name, expected in supernet.named_parameters():
        torch.testing.assert_close(after[name], expected.detach(), rtol=0, atol=1e-6)
        if name.startswith("stages.tbd"):
            _, label, block, *_ = name.split(".")
            on_a_path = block in {path[label] for path in paths}
            assert torch.equal(after[name], before[name]) != on_a_path


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("search",), "torchrun works only with `autosnn supernet`; run this command without it"),
        (
            ("train", "--blocks", "skip"),
            "torchrun works only with `autosnn supernet`; run this command without it",
        ),
        (("supernet", "--devices", "2"), "leave out --devices: torchrun has started 4 processes"),
    ],
)
def test_what_torchrun_is_not_for_is_said(
    command: tuple[str, ...],
    message: str,
    tmp_path: Path,
    autosnn: Autosnn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = {"TORCHELASTIC_RUN_ID": "1", "RANK": "0", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}
    for name, value in started.items():
        monkeypatch.setenv(name, value)
    outcome = autosnn(*command, "--output", tmp_path / "run")
    assert outcome.code == 2
    assert outcome.err == f"autosnn: {message}\n"
