"""Every file of a run says its format and version; those of a later format are refused."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from autosnn_nni import __version__
from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json, write_json
from autosnn_nni.formats import FORMAT, read_stamped, without_stamp, write_stamped
from autosnn_nni.manager.checks import check_run
from autosnn_nni.nas.trial import run_trial
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.run_files import RunFiles
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
EARLIER = ROOT / "tests/runs_of_earlier_versions"
JUDGED = "trust/skip-skip-SRB_k3-skip-skip"
SKIPS = ",".join(["skip"] * 5)

Autosnn = Callable[..., Any]


def said(path: Path) -> dict[str, Any]:
    """What a file of a run says of itself."""
    if path.suffix == ".ckpt":
        about: dict[str, Any] = torch.load(path, weights_only=True)["autosnn"]
        return about
    content: dict[str, Any] = read_json(path)
    return content


def test_the_version_is_that_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert __version__ == project["version"]


def test_the_version_is_cheap() -> None:
    code = "import autosnn_nni, sys; print(autosnn_nni.__version__, *sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version, *modules = out.stdout.split()
    assert version == __version__
    assert not {"torch", "nni", "numpy"} & set(modules)


@pytest.mark.parametrize(
    "name",
    ["settings.json", "search.json", "best.json", "result.json", "supernet.ckpt", "retrained.ckpt"],
)
def test_files_say_their_format_and_version(name: str, finished: Path) -> None:
    about = said(finished / name)
    assert (about["format"], about["version"]) == (FORMAT, __version__)


def test_stamps_come_and_go(tmp_path: Path) -> None:
    path, content = tmp_path / "a.json", {"b": [1, None], "c": "d"}
    write_stamped(path, content)
    assert read_stamped(path) == {"format": FORMAT, "version": __version__, **content}
    assert without_stamp(read_stamped(path)) == content


@pytest.mark.parametrize("content", [[], 3, None, {}, {"a": 1}, {"format": 0}, {"format": FORMAT}])
def test_what_is_not_later_is_read(content: Any, tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", content)
    assert read_stamped(tmp_path / "a.json") == content


@pytest.mark.parametrize("format_", [None, -1, 1.5, True, "new", "9" * 5000, [1]])
def test_a_format_that_is_none_is_refused(format_: Any, tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"format": format_})
    with pytest.raises(UserError, match=r"a\.json has no valid format"):
        read_stamped(tmp_path / "a.json")


def make_later(path: Path) -> None:
    """Give a file the next format, and contents of which this version knows nothing."""
    about = {"format": FORMAT + 1, "version": "9.1.0", "surprise": 1}
    if path.suffix == ".ckpt":
        torch.save({"autosnn": about, "weights": {}}, path)
    else:
        path.write_text(json.dumps(about))


def assert_refused(line: str, path: Path) -> None:
    """The line names the file, both numbers, and what to do."""
    assert f"{path} has format {FORMAT + 1}" in line
    assert f"reads formats up to {FORMAT};" in line
    assert "upgrade autosnn-nni to 9.1.0 or later" in line


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run, of an earlier version because it is at hand."""
    return shutil.copytree(EARLIER / "0.1.0/finished", tmp_path / "run")


SEARCH = ("search", "--output", "RUN")
PICK = ("train", "--from", "RUN", "--pick", "fittest", "--output", "OTHER")
DESCRIBE = ("describe", "--run", "RUN", "--blocks", SKIPS)
LATER = [
    ("settings.json", (), SEARCH),
    ("settings.json", (), ("supernet", "--output", "RUN")),
    ("settings.json", (), ("train", "--blocks", SKIPS, "--output", "TRAINED")),
    ("settings.json", (), PICK),
    ("settings.json", (), ("evaluate", "RUN")),
    ("settings.json", (), ("report", "RUN")),
    ("settings.json", (), ("view", "RUN", "--port", "PORT")),
    ("settings.json", (), ("trust", "RUN", "--sample", "1")),
    ("settings.json", (), DESCRIBE),
    ("supernet.ckpt", (), ("supernet", "--output", "RUN")),
    ("supernet.ckpt", ("best.json",), SEARCH),
    ("supernet.ckpt", (), ("evaluate", "RUN", "--blocks", SKIPS)),
    ("supernet.ckpt", (), ("evaluate", "RUN/supernet.ckpt", "--blocks", SKIPS)),
    ("supernet.ckpt", (), ("trust", "RUN", "--sample", "1")),
    ("supernet.ckpt", (), DESCRIBE),
    ("retrained.ckpt", (), ("evaluate", "RUN")),
    ("retrained.ckpt", (), ("evaluate", "RUN/retrained.ckpt")),
    ("retrained.ckpt", ("result.json",), SEARCH),
    ("retrained.ckpt", (), ("train", "--blocks", SKIPS, "--output", "TRAINED")),
    ("search.json", (), SEARCH),
    ("search.json", ("best.json",), SEARCH),
    ("search.json", (), PICK),
    ("search.json", (), ("view", "RUN", "--port", "PORT")),
    ("best.json", (), SEARCH),
    ("best.json", (), ("report", "RUN")),
    ("best.json", (), ("train", "--architecture", "RUN/best.json", "--output", "OTHER")),
    ("result.json", (), SEARCH),
    ("result.json", (), ("report", "RUN")),
    (f"{JUDGED}/result.json", (), ("trust", "RUN", "--sample", "3")),
    (f"{JUDGED}/retrained.ckpt", (f"{JUDGED}/result.json",), ("trust", "RUN", "--sample", "3")),
]


@pytest.mark.parametrize(("name", "missing", "command"), LATER, ids=str)
def test_a_later_format_is_refused_wherever_it_is_read(
    name: str,
    missing: tuple[str, ...],
    command: tuple[str, ...],
    run: Path,
    tmp_path: Path,
    autosnn: Autosnn,
) -> None:
    make_later(run / name)
    for one in missing:
        (run / one).unlink()
    if "TRAINED" in command:  # a folder of `autosnn train` has no supernet and no search
        for other in ("supernet.ckpt", "search.json", "best.json"):
            (run / other).unlink()
    before = contents(run)
    words = {"RUN": run, "TRAINED": run, "OTHER": tmp_path / "other", "PORT": str(free_port())}
    outcome = autosnn(*(insert(part, words) for part in command))
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert_refused(outcome.err.splitlines()[-1], run / name)
    assert contents(run) == before
    assert not (tmp_path / "other").exists()


def insert(part: str, words: dict[str, Any]) -> str:
    word, slash, rest = part.partition("/")
    return f"{words.get(word, word)}{slash}{rest}"


def contents(folder: Path) -> dict[Path, bytes]:
    """All files but the lock, and the log, which also has the error."""
    others = (".lock", "run.log")
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in others)
    return {path: path.read_bytes() for path in found}


@pytest.mark.parametrize("name", ["settings.json", "supernet.ckpt"])
def test_nnictls_checks_refuse_a_later_format(name: str, run: Path) -> None:
    make_later(run / name)
    with pytest.raises(UserError, match=r"^trialCodeDirectory: ") as caught:
        check_run(run, {})
    assert_refused(str(caught.value), run / name)


def test_trials_refuse_a_later_format(run: Path) -> None:
    make_later(run / "settings.json")
    with pytest.raises(UserError) as caught:
        run_trial(run, Machine(), None, scratch=False, epochs=None)
    assert_refused(str(caught.value), run / "settings.json")


def test_settings_in_a_file_have_no_stamp(finished: Path) -> None:
    settings = RunFiles(finished).read_settings()
    assert without_stamp(settings) == settings
