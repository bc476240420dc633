"""The shipped contracts, used as a user does: a good plugin passes, a bad one does not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from autosnn_nni.export import EXPORTS
from autosnn_nni.search_spaces import MACROS
from autosnn_nni.strategies import OBJECTIVES
from autosnn_nni.testing import ExportContract, ObjectiveContract, SpaceContract

ROOT = Path(__file__).parents[3]


class TestEverySpace(SpaceContract):
    """A newly registered macro architecture is picked up here."""

    names = tuple(MACROS)


class TestEveryObjective(ObjectiveContract):
    """With an argument, too."""

    names = (*OBJECTIVES, "energy:loihi", "memory:4")


class TestEveryExport(ExportContract):
    """A newly registered format is picked up here."""

    names = tuple(EXPORTS)


def run(folder: Path, text: str) -> "subprocess.CompletedProcess[str]":
    (folder / "test_mine.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_example_passes(tmp_path: Path) -> None:
    (tmp_path / "my_blocks.py").write_text((ROOT / "examples/my_blocks.py").read_text())
    outcome = run(tmp_path, (ROOT / "examples/test_my_blocks.py").read_text())
    assert outcome.returncode == 0, outcome.stdout
    passed = re.search(r"(\d+) passed", outcome.stdout)
    assert passed is not None
    assert int(passed[1]) > 30


BAD = """
from torch import nn
from autosnn_nni.search_spaces import BLOCKS
from autosnn_nni.strategies import SEARCHES, RandomSearch
from autosnn_nni.testing import BlockContract, SearchContract

class Currents(nn.Module):
    def __init__(self, in_channels, out_channels, stride, neuron):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
    def forward(self, x):
        return self.conv(x)

class Forgetful(RandomSearch):
    def propose(self, choices, history):
        return [("skip",) * len(choices)]

BLOCKS.add("currents", Currents)
SEARCHES.add("forgetful", Forgetful)

class TestBlock(BlockContract):
    names = ("currents",)

class TestSearch(SearchContract):
    names = ("forgetful",)
"""

NAMELESS = """
from autosnn_nni.testing import BlockContract

class TestBlock(BlockContract):
    pass
"""


@pytest.mark.slow
def test_what_is_wrong_fails(tmp_path: Path) -> None:
    outcome = run(tmp_path, BAD)
    failed = set(re.findall(r"FAILED test_mine.py::(\w+::\w+)", outcome.stdout))
    assert "TestBlock::test_it_sends_spikes" in failed
    assert "TestSearch::test_no_architecture_is_evaluated_twice" in failed
    assert "TestBlock::test_all_its_weights_are_trained" not in failed
    assert re.search(r"assert \{.*} <= \{0.0, 1.0}", outcome.stdout)  # the numbers are shown


@pytest.mark.slow
def test_a_contract_without_names_fails(tmp_path: Path) -> None:
    outcome = run(tmp_path, NAMELESS)
    assert outcome.returncode != 0
    assert "TestBlock tests nothing: say the names" in outcome.stdout
