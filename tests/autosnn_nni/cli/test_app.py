"""Errors of the user: one line that says what is wrong and what to do, exit code 2, no debris."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit
from typing import Any
from unittest import mock

import pytest
import torch

from autosnn_nni import files
from autosnn_nni.files import read_json

Autosnn = Callable[..., Any]
#: What a run has before its first checkpoint.
WRITTEN = {".lock", "run.log", "data.json", "settings.json", "supernet.csv"}
Args = tuple[str, ...]
SKIPS = ",".join(["skip"] * 5)


def refusal(outcome: Any, *fragments: str) -> str:
    """The one line of an error that is the user's, which says all of ``fragments``."""
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    (line,) = outcome.err.splitlines()
    assert line.startswith("autosnn: ")
    assert "Traceback" not in line
    for fragment in fragments:
        assert fragment in line, line
    return str(line)


SETTINGS = [
    (("--candidates", "skip,SRB_k9"), ("unknown block 'SRB_k9'", "did you mean 'SRB_k")),
    (("--candidates", "skip,skip"), ("candidate 'skip' is named twice",)),
    (("--candidates", ""), ("unknown block ''", "known: skip")),
    (("--space", "CIFARNet-Wu"), ("no TBD blocks", "autosnn train --network CIFARNet-Wu")),
    (("--space", "SNN_9"), ("unknown space 'SNN_9'", "did you mean 'SNN_")),
    (
        ("--dataset", "Places365"),
        ("unknown data set 'Places365'", "known: digits, digits64, MNIST"),
    ),
    (("--neuron", "Izhikevich"), ("unknown neuron 'Izhikevich'", "known: PLIF, LIF, IF, ANN")),
    (("--schedule", "one_cycle"), ("unknown schedule 'one_cycle'", "did you mean 'one-cycle'?")),
    (("--averages", "max"), ("averages must be sum or mean, not 'max'",)),
    (("--surrogate", "tringle"), ("unknown surrogate 'tringle'", "did you mean 'triangle'?")),
    (("--strategy", "annealing"), ("unknown strategy 'annealing'", "known: evolution")),
    (("--discounting", "cubic"), ("unknown discounting 'cubic'", "exponential, linear")),
    (("--batch-norm", "layer"), ("batch norm must be one of timestep, kept, pooled", "'layer'")),
    (("--precision", "16"), ("--precision", "32 or bf16", "'16'")),
    (("--augmentation", "cut"), ("--augmentation", "paper, crop, flip or none", "'cut'")),
    (("--channels", "3"), ("channels must be even and positive, not 3",)),
    (("--channels", "0"), ("channels must be even and positive, not 0",)),
    (("--timesteps", "0"), ("timesteps must be at least 1, not 0",)),
    (("--timesteps", "2,x"), ("--timesteps must be a number or several", "not '2,x'")),
    (("--timesteps", "2,2"), ("2 timesteps are named twice",)),
    (("--timesteps", "2,4", "--neuron", "ANN"), ("a ReLU network is the same",)),
    (
        ("--timesteps", "2,4", "--dataset", "digitsDVS"),
        ("digitsDVS is divided into frames", "single number of --timesteps"),
    ),
    (("--rounds", "0"), ("rounds must be at least 1, not 0",)),
    (("--lambda", "0.1"), ("lambda must be from -100 to 0, not 0.1",)),
    (("--lambda", "nan"), ("lambda must be from -100 to 0, not nan",)),
    (("--lambda=-inf",), ("lambda must be from -100 to 0, not -inf",)),
    (("--batch-size", "0"), ("--batch-size must be at least 1, not 0",)),
    (("--batch-size", "1"), ("--batch-size must be at least 2", "batch norm")),
    (("--learning-rate", "0"), ("--learning-rate must be positive, and at most 1e37, not 0",)),
    (("--learning-rate", "nan"), ("--learning-rate must be positive, and at most 1e37, not nan",)),
    (("--learning-rate", "inf"), ("--learning-rate must be positive, and at most 1e37, not inf",)),
    (
        ("--learning-rate", "1e38"),
        ("--learning-rate must be positive, and at most 1e37, not 1e+38",),
    ),
    (("--spike-regularisation=-1",), ("--spike-regularisation must be 0 or more, not -1",)),
    (("--spike-regularisation", "nan"), ("--spike-regularisation must be 0 or more, not nan",)),
    (("--seed", "-1"), ("--seed must be from 0 to 4294967295, not -1",)),
    (("--seed", "99999999999999999999"), ("--seed", "99999999999999999999")),
    (("--calibration-batches", "-1"), ("--calibration-batches must be 0 (off) or more",)),
    (("--supernet-epochs", "0"), ("--supernet-epochs must be at least 1, not 0",)),
    (("--retrain-epochs", "0"), ("--retrain-epochs must be at least 1, not 0",)),
    (("--images", "100000"), ("digits", "100000 training images", "choose from 10 to 1438")),
    (("--val-images", "100000"), ("digits", "100000 images of D_val", "choose from 1 to 12")),
    (("--images", "3"), ("digits", "3 training images", "choose from 10 to 1438")),
    (("--device", "tpu"), ("--device must be auto, cpu or cuda, not 'tpu'",)),
    (("--frobnicate",), ("No such option: --frobnicate",)),
    (("--channels", "many"), ("--channels", "valid integer")),
    (("--channels", "2.5"), ("--channels", "valid integer")),
    (("--lambda", "low"), ("--lambda", "valid number")),
    (("surplus",), ("unexpected", "surplus")),
]


@pytest.mark.parametrize(("wrong", "fragments"), SETTINGS, ids=lambda case: " ".join(case))
def test_a_wrong_setting_is_named_and_nothing_is_written(
    wrong: Args, fragments: Args, tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    refusal(autosnn("search", "--output", run, *tiny, *wrong), *fragments)
    assert not run.exists()


def test_more_images_than_d_val_has_move_no_finished_search(run: Path, autosnn: Autosnn) -> None:
    before = {path.name for path in run.iterdir()}
    refusal(autosnn("search", "--output", run, "--val-images", 13), "choose from 1 to 12")
    assert {path.name for path in run.iterdir()} == before
    values = read_json(run / "settings.json")
    (run / "settings.json").write_text(json.dumps({**values, "val_images": 13}))
    assert autosnn("search", "--output", run).code == 0  # versions before took it


def test_a_gpu_that_is_not_there(tmp_path: Path, autosnn: Autosnn, tiny: Args) -> None:
    command = ("supernet", "--output", tmp_path / "run", *tiny)
    refusal(autosnn(*command, "--device", "cuda"), "no GPU", "use --device cpu")
    assert autosnn(*command, "--device", "cpu").code == 0


def test_a_folder_without_the_data(tmp_path: Path, autosnn: Autosnn, tiny: Args) -> None:
    (tmp_path / "data").mkdir()
    run, file = tmp_path / "run", tmp_path / "file"
    file.write_text("no folder")
    command = ("supernet", "--output", run, *tiny, "--dataset", "CIFAR10", "--data-dir")
    (tmp_path / "data/cifar-10-python.tar.gz").write_text("no archive")  # nothing is downloaded
    refusal(autosnn(*command, tmp_path / "data"), "CIFAR10", str(tmp_path / "data"))
    refusal(autosnn(*command, file), str(file), "--data-dir")
    assert not run.exists()


ARCHITECTURES = [
    (("--blocks", "skip,skip"), ("SNN_1 has 5 TBD blocks, but 2 blocks were given",)),
    (("--blocks", f"{SKIPS},skip"), ("SNN_1 has 5 TBD blocks, but 6 blocks were given",)),
    (("--blocks", "skip,skip,skip,skip,SRB_k9"), ("unknown block 'SRB_k9'",)),
    (("--blocks", ""), ("unknown block ''",)),
    ((), ("name one architecture: --blocks, --architecture or --network",)),
    (("--blocks", SKIPS, "--architecture", "best.json"), ("name one architecture",)),
    (("--blocks", SKIPS, "--network", "CIFARNet-Wu"), ("name one architecture",)),
    (("--network", "CIFARNet"), ("unknown network 'CIFARNet'", "did you mean 'CIFARNet-")),
    (("--network", "CIFARNet-Wu", "--space", "SNN_2"), ("CIFARNet-Wu; leave out --space",)),
    (("--architecture", "nowhere.json"), ("nowhere.json does not exist",)),
    (("--architecture", "list.json"), ("list.json is not a search's best.json",)),
    (("--architecture", "empty.json"), ("empty.json is not a search's best.json",)),
    (("--architecture", "broken.json"), ("broken.json cannot be read",)),
    (("--architecture", "number.json"), ("number.json is not a search's best.json",)),
    (("--architecture", "numbers.json"), ("numbers.json is not a search's best.json",)),
    (("--architecture", "words.json"), ("--channels can't be 'many'",)),
]


@pytest.mark.parametrize(("wrong", "fragments"), ARCHITECTURES, ids=lambda case: " ".join(case))
def test_a_wrong_architecture_is_named(
    wrong: Args,
    fragments: Args,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    autosnn: Autosnn,
    tiny: Args,
) -> None:
    monkeypatch.chdir(tmp_path)
    valid = {"space": "SNN_1", "channels": 2, "timesteps": 2, "blocks": ["skip"] * 5}
    contents = {"list": [1], "empty": {}, "number": {**valid, "blocks": 7}}
    contents["numbers"] = {**valid, "blocks": [1, 2, 3, 4, 5]}
    contents["words"] = {**valid, "channels": "many"}
    for name, content in contents.items():
        Path(f"{name}.json").write_text(json.dumps(content))
    Path("broken.json").write_text('{"space": "SN')
    command = ("train", "--output", "run", *tiny[4:])
    refusal(autosnn(*command, *wrong), *fragments)
    assert not Path("run").exists()


COMMANDS = [
    (("describe", "--blocks", "skip,skip"), ("SNN_1 has 5 TBD blocks, but 2 blocks",)),
    (("describe", "--blocks", "skip,skip,skip,skip,skop"), ("unknown block 'skop'", "'skip'")),
    (("describe",), ("name one architecture: --blocks or --network",)),
    (("fits",), ("name one architecture: a run's folder, --blocks or --network",)),
    (
        ("fits", "--blocks", SKIPS, "--network", "AutoSNN-0"),
        ("name one architecture: a run's folder, --blocks or --network",),
    ),
    (("describe", "--blocks", SKIPS, "--space", "SNN_0"), ("unknown space 'SNN_0'",)),
    (("describe", "--blocks", SKIPS, "--dataset", "X"), ("unknown data set 'X'",)),
    (("describe", "--blocks", SKIPS, "--channels", "5"), ("channels must be even", "5")),
    (("describe", "--blocks", SKIPS, "--run", "empty"), ("empty is not a run of autosnn",)),
    (("describe", "--blocks", SKIPS, "--plugin", "no.py"), ("no.py is not a Python file",)),
    (
        ("list", "frobs"),
        ("unknown list 'frobs'", "spaces, blocks, operations, networks, neurons, surr"),
    ),
    (
        ("describe", "--blocks", SKIPS, "--run", "empty", "--channels", "4", "--neuron", "IF"),
        ("--run has its own settings; leave out --channels, --neuron",),
    ),
    (
        ("describe", "--network", "CIFARNet-Wu", "--run", "empty"),
        ("--run has its own settings; leave out --network",),
    ),
    (
        ("describe", "--blocks", SKIPS, "--device", "tpu", "--data-dir", "empty"),
        ("it has no effect without --run; leave out --data-dir, --device",),
    ),
    (("report", "text.txt"), ("text.txt is not a run of autosnn: it is not a folder",)),
    (("list", "blocks", "--plugin", "fails.py"), ("fails.py", "ZeroDivisionError", "division")),
    (("list", "blocks", "--plugin", "syntax.py"), ("syntax.py", "SyntaxError", "fix it")),
    (("list", "blocks", "--plugin", "text.txt"), ("text.txt is not a Python file", "--plugin")),
    (("evaluate", "gone.ckpt"), ("gone.ckpt does not exist",)),
    (("evaluate", "empty"), ("empty is not a run of autosnn",)),
    (("evaluate", "text.txt"), ("text.txt is not a checkpoint of autosnn; give a run's folder",)),
    (("evaluate", "other.ckpt"), ("other.ckpt is not a checkpoint of autosnn",)),
    (("evaluate",), ("Missing argument",)),
    (("report", "nowhere"), ("nowhere",)),
    (("report", "empty"), ("empty is not a run",)),
    (("frob",), ("No such command 'frob'",)),
    (("search", "--output", "/dev/null/run"), ("cannot write in /dev/null/run", "--output")),
    (("search", "--output", "text.txt/run"), ("cannot write in text.txt/run", "Not a directory")),
    (("search", "--output", "text.txt"), ("cannot write in text.txt", "File exists")),
    (("search", "--output", "/proc/run"), ("cannot write in /proc/run", "choose another --output")),
    (("search", "--output", "run", "--plugin", "no.py"), ("no.py is not a Python file",)),
]


@pytest.mark.parametrize(("command", "fragments"), COMMANDS, ids=lambda case: " ".join(case))
def test_a_wrong_command_says_what_is_wrong(
    command: Args,
    fragments: Args,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    autosnn: Autosnn,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("fails.py").write_text("1 / 0\n")
    Path("syntax.py").write_text("def (:\n")
    Path("text.txt").write_text("hello")
    torch.save({"state_dict": {"weight": torch.zeros(2)}}, "other.ckpt")
    before = {path.name for path in tmp_path.rglob("*")}
    refusal(autosnn(*command), *fragments)
    assert {path.name for path in tmp_path.rglob("*")} == before


def truncated(checkpoint: bytes) -> bytes:
    return checkpoint[: len(checkpoint) // 2]


def foreign(_: bytes) -> bytes:
    buffer = BytesIO()
    torch.save({"epoch": 1, "state_dict": {"weight": torch.zeros(2)}}, buffer)
    return buffer.getvalue()


BROKEN = [truncated, foreign, lambda _: b"garbage", lambda _: b""]


@pytest.mark.parametrize("break_", BROKEN, ids=["truncated", "foreign", "garbage", "empty"])
def test_a_broken_checkpoint_is_named_wherever_it_is_needed(
    break_: Callable[[bytes], bytes], run: Path, autosnn: Autosnn
) -> None:
    for name in ("supernet.ckpt", "retrained.ckpt"):
        (run / name).write_bytes(break_((run / name).read_bytes()))
    (run / "result.json").unlink()
    supernet = (f"{run}/supernet.ckpt is not a checkpoint", "broken", "delete it to train again")
    retrained = (f"{run}/retrained.ckpt is not a checkpoint", "broken")
    describe = ("describe", "--run", run, "--blocks", SKIPS)
    refusal(autosnn("supernet", "--output", run), *supernet)
    refusal(autosnn("evaluate", run, "--blocks", SKIPS), *supernet)
    refusal(autosnn(*describe), *supernet)
    refusal(autosnn("evaluate", run), *retrained)
    refusal(autosnn("search", "--output", run), *retrained)
    (run / "retrained.ckpt").unlink()  # as it says
    assert autosnn("search", "--output", run).code == 0
    (run / "supernet.ckpt").unlink()
    assert autosnn("supernet", "--output", run).code == 0
    assert autosnn(*describe).code == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "3", '{"format": 1, "version": "0"}'])
def test_broken_settings_are_named(content: str, run: Path, autosnn: Autosnn) -> None:
    (run / "settings.json").write_text(content)
    named = (f"{run}/settings.json", "start a new run")
    refusal(autosnn("search", "--output", run), *named)
    refusal(autosnn("evaluate", run, "--blocks", SKIPS), *named)
    refusal(autosnn("describe", "--run", run, "--blocks", SKIPS), *named)
    assert (run / "settings.json").read_text() == content


def test_a_setting_of_another_type_is_named(run: Path, autosnn: Autosnn) -> None:
    values = read_json(run / "settings.json")
    for key, value in {"channels": "many", "candidates": 7, "images": "all"}.items():
        (run / "settings.json").write_text(json.dumps({**values, key: value}))
        said = f"--{key} can't be {value!r}; give a "
        refusal(autosnn("search", "--output", run), "settings.json", said)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"evaluated": [{"blocks": 1}]}'])
def test_a_broken_search_state_is_named(content: str, run: Path, autosnn: Autosnn) -> None:
    (run / "best.json").unlink()
    (run / "search.json").write_text(content)
    refusal(autosnn("search", "--output", run), f"{run}/search.json")


@pytest.mark.parametrize("content", ["null", "[]", "{}", '{"blocks": [1]}', '{"blocks": ["skip"]}'])
def test_broken_results_are_named(content: str, run: Path, autosnn: Autosnn) -> None:
    (run / "result.json").write_text(content)
    outcome = autosnn("report", run)
    assert outcome.code == 2
    outcome = autosnn("search", "--output", run)
    assert outcome.code == 2
    assert f"{run}/result.json" in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_broken_best_architecture_is_named(run: Path, autosnn: Autosnn) -> None:
    (run / "best.json").write_text('{"space"')
    refusal(autosnn("search", "--output", run), f"{run}/best.json cannot be read")


@pytest.mark.parametrize("neuron", ["PLIF", "ANN"])
def test_training_that_diverges_is_stopped(
    neuron: str, tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    """Spiking neurons hide it: where the weights are no numbers, the loss still is one."""
    options = ("--learning-rate", "1e37", "--neuron", neuron, "--supernet-epochs", "8")
    outcome = autosnn("supernet", "--output", tmp_path / "run", *tiny, *options)
    assert outcome.code == 2
    *_, line = outcome.err.splitlines()
    assert line.startswith("autosnn: training diverged in epoch ")
    assert "try a lower --learning-rate in another --output" in line
    assert outcome.out == ""


def test_an_error_in_stage_3_is_one_line_too(run: Path, autosnn: Autosnn) -> None:
    (run / "best.json").write_text(json.dumps({**read_json(run / "best.json"), "blocks": ["skip"]}))
    for name in ("retrained.ckpt", "result.json"):
        (run / name).unlink()
    refusal(autosnn("search", "--output", run), "SNN_1 has 5 TBD blocks, but 1 blocks were given")


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Any]]:
    """A disk with room for a few small files, and what to call to make it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    with suppress(OSError):
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            larger = ["mount", "-o", "remount,size=64m", str(folder)]
            yield folder, lambda: subprocess.run(larger, check=True)
            subprocess.run(["umount", str(folder)], check=True)
            return
    fsync, full = files.os.fsync, [True]

    def no_room(handle: int) -> None:
        if full and files.os.fstat(handle).st_size > 200_000:
            raise OSError(28, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(files.os, "fsync", no_room)
    yield folder, full.clear


@pytest.mark.slow
def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(
    small_disk: tuple[Path, Any],
    tmp_path: Path,
    autosnn: Autosnn,
    tiny: Args,
    finished: Path,
) -> None:
    disk, enlarge = small_disk
    run = disk / "run"
    outcome = autosnn("search", "--output", run, *tiny)
    *_, line = outcome.err.splitlines()
    assert outcome.code == 2, outcome
    assert line.startswith(f"autosnn: cannot write {run}/supernet.ckpt (No space left on device)")
    assert "free some space" in line
    assert outcome.out == ""
    assert {path.name for path in run.iterdir()} == WRITTEN
    enlarge()
    assert autosnn("search", "--output", run).code == 0
    for name in ("best.json", "candidates.csv", "result.json"):
        assert (run / name).read_bytes() == (finished / name).read_bytes()


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_is_one_line(
    tmp_path: Path, start: Callable[..., Any], tiny: Args
) -> None:
    """As by ``ulimit -f``, where NNI's and matplotlib's files below the home are too large too."""
    run, limit = tmp_path / "run", partial(setrlimit, RLIMIT_FSIZE, (8192, 8192))
    home = {"HOME": str(tmp_path / "home")}
    command = ("search", "--output", run, *tiny)
    outcome = start(*command, env=home, preexec_fn=limit).wait()
    assert (outcome.code, outcome.out) == (2, "")
    _, line = outcome.err.splitlines()
    assert line.startswith(f"autosnn: cannot write {run}/supernet.ckpt (File too large); free some")
    assert {path.name for path in run.iterdir()} == WRITTEN


def test_an_error_of_the_system_says_what_to_check(
    run: Path, autosnn: Autosnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for named, what in (((), "[Errno 28] No space left on device"), (("f",), "No space left on")):
        fail = mock.Mock(side_effect=OSError(28, "No space left on device", *named))
        monkeypatch.setattr("autosnn_nni.cli.report.write_report", fail)
        outcome = autosnn("report", run)
        assert outcome.code == 2
        assert outcome.err.startswith(f"autosnn: {what}")
        assert outcome.err.endswith("; check the path, its permissions and the free space\n")


def test_debug_anywhere_shows_where_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    from autosnn_nni.cli.app import main
    from autosnn_nni.errors import UserError

    for arguments in (["--debug", "list", "frobs"], ["list", "--debug", "frobs"]):
        monkeypatch.setattr("sys.argv", ["autosnn", *arguments])
        with pytest.raises(UserError, match="unknown list 'frobs'"):
            main()


def test_an_error_that_is_not_the_users_ends_with_code_1(
    run: Path, autosnn: Autosnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("several\nlines")

    monkeypatch.setattr("autosnn_nni.cli.report.write_report", fail)
    outcome = autosnn("report", run)
    assert outcome.code == 1
    assert outcome.err == "autosnn: RuntimeError: several lines; --debug shows the traceback\n"


def test_help_is_shown_for_nothing_and_for_every_command(autosnn: Autosnn) -> None:
    nothing, asked = autosnn(), autosnn("--help")
    assert nothing.code == asked.code == 0
    assert nothing.out == asked.out
    assert autosnn("-h").out == asked.out
    for command in ("search", "supernet", "train", "evaluate", "describe", "list", "report"):
        assert f"  {command} " in asked.out
        shown = autosnn(command, "-h")
        assert shown.code == 0
        assert shown.out == autosnn(command, "--help").out
        assert "--quiet" in shown.out
    assert asked.out.count("...") == 1  # ARGS: no description is cut


def test_ctrl_c_during_another_command(
    run: Path, autosnn: Autosnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "autosnn_nni.cli.report.write_report", lambda _: signal.raise_signal(signal.SIGINT)
    )
    outcome = autosnn("report", run)
    assert outcome.code == 130
    assert outcome.err == "autosnn: stopped; run the same command again to resume\n"


def test_a_copied_run_needs_nothing_of_the_first(
    run: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    shutil.rmtree(run)
    assert autosnn("evaluate", copy).code == 0
    assert autosnn("search", "--output", copy).code == 0


NNI = {"nni", "pytorch_lightning"}


@pytest.mark.parametrize(
    ("module", "slow"),
    [
        *((name, NNI | {"torch"}) for name in ("report", "compare", "status")),
        ("names", NNI | {"torch", "pandas"}),
        *((name, NNI) for name in ("inspection", "registered", "pretrained", "judged")),
    ],
)
def test_what_only_looks_does_not_wait_for_slow_imports(module: str, slow: set[str]) -> None:
    code = f"import sys, autosnn_nni.cli.{module}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not slow & set(ran.stdout.split())
