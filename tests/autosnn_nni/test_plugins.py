"""A user's own file: a block, a space, a data set and a search, each found by its name."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.plugins import load_plugin
from autosnn_nni.search_spaces import BLOCKS, MACROS

Autosnn = Callable[..., Any]
PLUGIN = """
from dataclasses import dataclass

import torch
from torch import nn

from autosnn_nni.data import DataInfo, Images, register_dataset
from autosnn_nni.search_spaces import BLOCKS, MACROS, TBD, Macro, Pool
from autosnn_nni.search_spaces.blocks import ConvBN
from autosnn_nni.strategies import SEARCHES, Search


class Pointwise(nn.Module):
    def __init__(self, in_channels, out_channels, stride, neuron):
        super().__init__()
        self.conv = ConvBN(in_channels, out_channels, 1, stride)
        self.neuron = neuron()

    def forward(self, x):
        return self.neuron(self.conv(x))


BLOCKS.add("my_pointwise", Pointwise)
MACROS.add("my_space", Macro((TBD(1), Pool("max"), TBD(2), TBD(2, 2))))


@dataclass(frozen=True, kw_only=True)
class Exhaustive(Search):
    rounds: int = 1
    seed: int = 0

    def budget(self, choices):
        return choices.size

    def propose(self, choices, history):
        return choices.unseen(__import__("random").Random(self.seed), choices.size, history.seen)


SEARCHES.add("my_search", Exhaustive)


@register_dataset("my_stripes", DataInfo((1, 6, 6), classes=2, padding=0))
def stripes(folder):
    images = torch.zeros(40, 1, 6, 6, dtype=torch.uint8)
    images[::2, :, ::2] = images[1::2, :, :, ::2] = 255
    labels = torch.arange(40) % 2
    return Images(images[:30], labels[:30]), Images(images[30:], labels[30:])
"""
TINY = (
    *("--dataset", "my_stripes", "--space", "my_space", "--strategy", "my_search"),
    *("--candidates", "my_pointwise,skip", "--channels", "2", "--timesteps", "2"),
    *("--supernet-epochs", "2", "--rounds", "3", "--retrain-epochs", "2", "--no-baselines"),
)
#: Several commands in one process: most of the time goes into its start.
COMMANDS = """
import sys
from autosnn_nni.cli.app import main
for command in {commands}:
    sys.argv = ["autosnn", *command]
    try:
        main()
    except SystemExit as exit_:
        print(f"exit code {{exit_.code}}")
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file: what it registers stays for the rest of the process."""
    path = tmp_path_factory.mktemp("plugin") / "mine.py"
    path.write_text(PLUGIN)
    return path


@pytest.fixture(scope="module")
def plugin_run(plugin: Path, tmp_path_factory: pytest.TempPathFactory, autosnn: Autosnn) -> Path:
    run = tmp_path_factory.mktemp("plugin_run") / "run"
    outcome = autosnn("search", "--plugin", plugin, "--output", run, *TINY)
    assert outcome.code == 0, outcome.err
    return run


def test_a_users_own_pieces_are_searched_end_to_end(plugin_run: Path, plugin: Path) -> None:
    settings = read_json(plugin_run / "settings.json")
    assert settings["plugins"] == [str(plugin)]
    candidates = pd.read_csv(plugin_run / "candidates.csv")
    assert len(candidates) == 2**3
    assert set(candidates["tbd1"]) == {"my_pointwise", "skip"}
    best, result = (read_json(plugin_run / name) for name in ("best.json", "result.json"))
    assert best["space"] == result["space"] == "my_space"
    assert best["blocks"] == result["blocks"]
    assert (plugin_run / "report.html").exists()


@pytest.mark.slow
def test_later_commands_find_the_plugin_by_themselves(
    plugin_run: Path, start: Autosnn, tmp_path: Path
) -> None:
    blocks = "my_pointwise,skip,my_pointwise"
    commands = [
        ["evaluate", str(plugin_run), "--json"],
        ["report", str(plugin_run)],
        ["describe", "--run", str(plugin_run), "--blocks", blocks, "--json"],
        ["search", "--output", str(plugin_run)],
    ]
    script = COMMANDS.format(commands=commands)
    outcome = start("-c", script, command=sys.executable, cwd=tmp_path).wait()
    assert outcome.err == ""
    parts = outcome.out.split("exit code 0\n")
    assert len(parts) == 5, outcome.out
    result = read_json(plugin_run / "result.json")
    assert json.loads(parts[0])["spikes"] == result["spikes"]
    assert json.loads(parts[2])["blocks"] == blocks.split(",")
    assert "Test split of my_stripes" in parts[3]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("blocks", "my_pointwise"),
        ("spaces", "my_space"),
        ("strategies", "my_search"),
        ("datasets", "my_stripes"),
    ],
)
def test_list_shows_them(kind: str, name: str, plugin: Path, autosnn: Autosnn) -> None:
    assert name in autosnn("list", kind, "--plugin", plugin).out.splitlines()


def test_describe_takes_them(plugin: Path, autosnn: Autosnn) -> None:
    options = ("--space", "my_space", "--channels", "2", "--dataset", "my_stripes", "--json")
    blocks = "my_pointwise,skip,my_pointwise"
    outcome = autosnn("describe", "--plugin", plugin, *options, "--blocks", blocks)
    assert json.loads(outcome.out)["blocks"] == blocks.split(",")


def test_a_file_is_loaded_once(plugin: Path) -> None:
    load_plugin(plugin)
    load_plugin(plugin.parent / "." / plugin.name)
    assert {"my_pointwise"} <= set(BLOCKS)
    assert {"my_space"} <= set(MACROS)
    assert {"my_stripes"} <= set(DATASETS)


def test_a_run_whose_plugin_is_gone_says_so(
    tmp_path: Path, autosnn: Autosnn, plugin_run: Path
) -> None:
    settings = read_json(plugin_run / "settings.json")
    gone = tmp_path / "gone.py"
    (tmp_path / "run").mkdir()
    changed = {**settings, "plugins": [str(gone)]}
    (tmp_path / "run/settings.json").write_text(json.dumps(changed))
    outcome = autosnn("search", "--output", tmp_path / "run")
    assert outcome.code == 2
    assert f"plugin {gone} is not a Python file" in outcome.err


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.py"
    path.write_text(
        "from autosnn_nni.search_spaces import BLOCKS\nBLOCKS.add('skip', BLOCKS['skip'])\n"
    )
    with pytest.raises(UserError, match=r"twice\.py fails: .*'skip' is registered twice"):
        load_plugin(path)


def test_a_plugin_that_failed_may_be_mended(tmp_path: Path) -> None:
    path = tmp_path / "later.py"
    path.write_text("import nowhere_to_be_found\n")
    with pytest.raises(UserError, match=r"ModuleNotFoundError.*nowhere_to_be_found.*fix it"):
        load_plugin(path)
    path.write_text("LOADED = True\n")
    load_plugin(path)
