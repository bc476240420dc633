"""What the documents show works: links, and the examples of CONTRIBUTING.md."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.autosnn_nni.conftest import EXECUTABLE

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    missing = [
        link
        for link in links
        if not link.startswith(("http://", "https://")) and not (document.parent / link).exists()
    ]
    assert missing == []


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """All examples of CONTRIBUTING.md in one file."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    path = tmp_path / "examples.py"
    path.write_text("\n\n".join(blocks))
    return path


@pytest.mark.slow
def test_the_examples_of_how_to_add_things_are_searched_with(
    plugin: Path, tmp_path: Path, start: Callable[..., Any]
) -> None:
    size = ("--channels", 2, "--timesteps", 2, "--supernet-epochs", 1, "--retrain-epochs", 1)
    own = ("--dataset", "stripes", "--space", "small", "--candidates", "wide,skip")
    search = ("--strategy", "greedy", "--rounds", 2, "--no-baselines")
    options = ("--plugin", plugin, *size, *own, *search)
    outcome = start("search", "--output", tmp_path / "run", *options).wait()
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "run/report.html").exists()


@pytest.mark.slow
def test_every_command_of_own_data_does_what_the_page_says(
    tmp_path: Path, start: Callable[..., Any]
) -> None:
    page = (ROOT / "docs/own-data.md").read_text()
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    said = {}
    for line in re.findall(r"^    ((?:autosnn|python) .*)$", page, re.MULTILINE):
        program, *arguments = shlex.split(line)
        outcome = start(*arguments, command=EXECUTABLE.with_name(program), cwd=tmp_path).wait()
        assert outcome.code == 0, (line, outcome.err)
        said[program, arguments[0]] = outcome.out
    assert "digit 3/45.png: class digit" in said["autosnn", "predict"]
    assert "Loihi" in said["autosnn", "evaluate"]
    assert "SpiNNaker2" in said["autosnn", "evaluate"]
    assert "spikingjelly.nir: 0 of" in said["autosnn", "check-export"]
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program = EXECUTABLE.with_name("python")
    outcome = start("-c", example, command=program, cwd=tmp_path).wait()
    assert outcome.out.startswith("digit "), outcome.err
