"""What is printed: names and paths as they are, for every terminal and reader."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.cli.console import console, print_json, say
from tests.autosnn_nni.conftest import EXECUTABLE

pytestmark = pytest.mark.slow

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
SKIPS = "skip,skip,skip,skip,skip"
NAMES = ["a[lr=1]", "x[/a]y", ":smile:", "line\nbreak", "[bold]b[/bold]", os.fsdecode(b"bad\xff")]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_any_name_is_reported(name: str, run: Path, autosnn: Autosnn) -> None:
    (run.parent / name).parent.mkdir(parents=True, exist_ok=True)
    moved = run.rename(run.parent / name)
    if name.isprintable() or "\n" in name:
        outcome = autosnn("report", moved)
        assert (outcome.code, outcome.out) == (0, f"Report: {moved}/report.html\n")
    else:  # capturing needs text
        done = subprocess.run([EXECUTABLE, "report", moved], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == b"Report: " + os.fsencode(moved) + b"/report.html\n"
    assert (moved / "report.html").read_text()
    assert autosnn("describe", "--run", moved, "--blocks", SKIPS).code == 0


def test_tables_do_not_read_markup(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    table = Table("[red]a", title=":smile: [/a]")
    table.add_row("[bold]x[/bold]")
    console().print(table)
    say("[/a] :smile: [link=x]")
    out = capsys.readouterr().out
    for text in ("[red]a", ":smile: [/a]", "[bold]x[/bold]", "[/a] :smile: [link=x]\n"):
        assert text in out


def test_a_terminal_of_another_encoding_gets_escapes(tmp_path: Path, start: Autosnn) -> None:
    settings = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    outcome = start("report", tmp_path / "né", env=settings).wait()
    assert outcome.code == 2
    assert "n\\xe9 is not a run of autosnn" in outcome.err


@pytest.mark.parametrize(
    "command",
    [
        ("describe", "--json", "--blocks", SKIPS),
        ("describe", "--blocks", SKIPS),
        ("list", "blocks"),
    ],
    ids=" ".join,
)
def test_a_reader_that_has_gone_is_no_error(command: Args) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [EXECUTABLE, *command], stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("describe --json --blocks skip,skip,skip,skip,skip --channels 2 >&-", 0),
        ("list frobs 2>&-", 2),
    ],
)
def test_a_closed_stream_is_no_error(line: str, code: int) -> None:
    command = ["sh", "-c", f"{EXECUTABLE} {line}"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": ["é"]})
    assert capsys.readouterr().out == '{\n  "a": [\n    "\\u00e9"\n  ]\n}\n'


@pytest.mark.parametrize("module", ["autosnn_nni", "autosnn_nni.cli"])
def test_the_package_is_the_command_line(module: str, start: Autosnn) -> None:
    outcome = start("-m", module, "list", "neurons", command=sys.executable).wait()
    assert outcome.code == 0
    assert "PLIF" in outcome.out.splitlines()
    usage = start("-m", module, "list", "--help", command=sys.executable).wait()
    assert usage.out.startswith("Usage: autosnn list")


def test_debug_alone_shows_the_help(autosnn: Autosnn) -> None:
    assert autosnn("--debug").out == autosnn("--help").out


@pytest.mark.parametrize("inside", ["", "/run"])
def test_a_dangling_link_is_named(inside: str, tmp_path: Path, autosnn: Autosnn) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    outcome = autosnn("supernet", "--output", f"{link}{inside}")
    assert outcome.code == 2
    assert outcome.err == (
        f"autosnn: {link} is a link to {tmp_path}/gone, which does not exist; remove it or choose "
        "another --output\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        ("report",),
        ("view",),
        ("trust",),
        ("trial",),
        ("evaluate",),
        ("train", "--pick", "knee", "--from"),
        ("describe", "--blocks", SKIPS, "--run"),
    ],
    ids=" ".join,
)
def test_what_is_not_a_run_is_said_alike(command: Args, tmp_path: Path, autosnn: Autosnn) -> None:
    said = f"autosnn: {tmp_path}/no is not a run of autosnn: {{}}; give the --output of a run\n"
    assert autosnn(*command, tmp_path / "no").err == said.format("it does not exist")
    (tmp_path / "no").mkdir()
    assert autosnn(*command, tmp_path / "no").err == said.format("it has no settings.json")


@pytest.mark.parametrize("dataset", ["digits", "digits64", "digitsDVS"])
def test_a_folder_that_is_not_there_is_noticed_though_it_is_not_needed(
    dataset: str, tmp_path: Path, autosnn: Autosnn
) -> None:
    folder = tmp_path / "data"
    outcome = autosnn(
        *("supernet", "--output", tmp_path / "run", "--dataset", dataset, "--data-dir", folder)
    )
    assert outcome.code == 2
    assert f"{folder} is not a folder; leave out --data-dir or correct it" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_that_is_no_text_is_named(tmp_path: Path, autosnn: Autosnn) -> None:
    recipe = tmp_path / "binary.yml"
    recipe.write_bytes(b"\xfa\x00\xff")
    outcome = autosnn("reproduce", recipe, "--output", tmp_path / "out")
    assert (outcome.code, outcome.err) == (
        2,
        f"autosnn: {recipe} is not a recipe: it is not a text in UTF-8\n",
    )


def test_a_pickle_of_something_else_is_one_line(tmp_path: Path, start: Autosnn) -> None:
    import pickle

    (tmp_path / "raw.ckpt").write_bytes(pickle.dumps({"a": 1}, protocol=4))
    outcome = start("evaluate", tmp_path / "raw.ckpt").wait()
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "raw.ckpt is not a checkpoint of autosnn" in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize("home", ["/dev/null/home", "/proc"])
def test_a_search_in_one_process_needs_no_home(
    home: str, tmp_path: Path, start: Autosnn, tiny: Args
) -> None:
    outcome = start("search", "--output", tmp_path / "run", *tiny, env={"HOME": home}).wait()
    assert outcome.code == 0, outcome.err
    assert "Error" not in outcome.err
    assert "atplotlib" not in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize(
    "variables",
    [
        {"SLURM_JOB_NAME": "x", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"},
        {"TORCHELASTIC_RUN_ID": "none"},
    ],
    ids=["slurm", "torchrun"],
)
@pytest.mark.parametrize("devices", ["1", "2"])
def test_the_command_alone_decides_how_many_processes_there_are(
    variables: dict[str, str], devices: str, tmp_path: Path, start: Autosnn, tiny: Args
) -> None:
    options = ("--device", "cpu", "--devices", devices)
    outcome = start("supernet", "--output", tmp_path / "run", *tiny, *options, env=variables).wait()
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("Supernet: ")


def test_describe_says_for_which_data_set(finished: Path, autosnn: Autosnn, tmp_path: Path) -> None:
    assert "SNN_1 for CIFAR10, C = 16, T = 8" in autosnn("describe", "--blocks", SKIPS).out
    copy = shutil.copytree(finished, tmp_path / "copy")
    described = autosnn("describe", "--run", copy, "--blocks", SKIPS).out
    assert "SNN_1 for digits, C = 2, T = 2" in described
