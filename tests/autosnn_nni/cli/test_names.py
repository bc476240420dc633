"""The names that ``autosnn list`` prints and shells complete."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from autosnn_nni.cli.names import kinds, names
from tests.autosnn_nni.conftest import EXECUTABLE

Autosnn = Callable[..., Any]


def test_the_file_has_what_the_registries_have() -> None:
    """If this fails: python -m autosnn_nni.cli.names. Other tests register more in this process."""
    code = "import json, autosnn_nni.cli.registered as it; print(json.dumps(it.registered()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    found = json.loads(result.stdout)
    assert {kind: list(names(kind)) for kind in found} == found


def test_list_alone_says_what_can_be_listed(autosnn: Autosnn) -> None:
    listed = autosnn("list")
    assert listed.code == 0
    assert listed.out.split() == kinds()
    for kind in kinds():
        assert autosnn("list", kind).out.split()


def test_an_unknown_kind_gets_a_suggestion(autosnn: Autosnn) -> None:
    outcome = autosnn("list", "netwroks")
    assert outcome.code == 2
    assert "unknown list 'netwroks'; did you mean 'networks'?" in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("autosnn search --dataset digits", {"digits", "digits64", "digitsDVS"}),
        ("autosnn train --network AutoSNN-0.0", {"AutoSNN-0.08"}),
        ("autosnn list chi", {"chips"}),
        ("autosnn reproduce table1", {"table1", "table10", "table11"}),
    ],
)
def test_a_shell_completes_names(line: str, completed: set[str]) -> None:
    words = line.split()
    variables = {
        "_AUTOSNN_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    ran = subprocess.run(
        [EXECUTABLE], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    assert set(ran.stdout.split()) == completed
