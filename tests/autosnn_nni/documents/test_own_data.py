"""The page about a user's own data: every command does what it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.autosnn_nni.conftest import EXECUTABLE
from tests.autosnn_nni.documents.pages import ROOT, blocks, commands

PAGE = ROOT / "docs/own-data.md"
#: The output of a search that takes minutes; `test_commands.py` parses its line.
LONG = "runs/long"


@pytest.mark.long
def test_every_command_of_own_data_does_what_the_page_says(
    tmp_path: Path, start: Callable[..., Any]
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    said = {}
    for one in commands(PAGE):
        if LONG in one.arguments:
            continue
        command = EXECUTABLE.with_name(one.program)
        outcome = start(*one.arguments, command=command, cwd=tmp_path).wait()
        assert outcome.code == 0, (str(one), outcome.err)
        said[one.program, one.arguments[0]] = outcome.out
    assert "digit 3/45.png: class digit" in said["autosnn", "predict"]
    assert "Loihi" in said["autosnn", "evaluate"]
    assert "SpiNNaker2" in said["autosnn", "evaluate"]
    assert "spikingjelly.nir: 0 of" in said["autosnn", "check-export"]
    (example,) = blocks(PAGE, "python")
    program = EXECUTABLE.with_name("python")
    outcome = start("-c", example.text, command=program, cwd=tmp_path).wait()
    assert outcome.out.startswith("digit "), outcome.err
