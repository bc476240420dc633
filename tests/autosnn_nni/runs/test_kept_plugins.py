"""A run's own copies of its plugins."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.files import read_json
from autosnn_nni.runs.run_files import RunFiles

Autosnn = Callable[..., Any]

PLUGIN = """
from torch import nn

from autosnn_nni.search_spaces import BLOCKS, MACROS, TBD, Macro, Pool
from autosnn_nni.search_spaces.blocks import ConvBN
from beside_{name} import KERNEL


class Kept(nn.Module):
    def __init__(self, in_channels, out_channels, stride, neuron):
        super().__init__()
        self.conv = ConvBN(in_channels, out_channels, KERNEL, stride)
        self.neuron = neuron()

    def forward(self, x):
        return self.neuron(self.conv(x))


BLOCKS.add("{name}", Kept)
MACROS.add("{name}", Macro((TBD(1), Pool("max"), TBD(2))))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, start: Autosnn) -> Path:
    """A folder with a plugin, a module beside it, and a run of its block."""
    name = "kept"
    folder = tmp_path_factory.mktemp("kept")
    (folder / "here").mkdir()
    plugin = folder / "here/kept.py"
    plugin.write_text(PLUGIN.format(name=name))
    (folder / "here/beside_kept.py").write_text("KERNEL = 3\n")
    run = folder / "run"
    outcome = start(
        *("search", "--plugin", plugin, "--output", run, "--space", name),
        *("--candidates", f"{name},skip", "--channels", "2", "--timesteps", "2", "--images", "60"),
        *("--supernet-epochs", "1", "--rounds", "1", "--retrain-epochs", "1", "--no-baselines"),
        cwd=folder,
    ).wait()
    assert (outcome.code, outcome.err.count("Traceback")) == (0, 0), outcome.err
    return folder


@pytest.fixture
def made(folder: Path, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """The plugin and the run, to be changed and moved: they are put back afterwards."""
    kept = shutil.copytree(folder, tmp_path / "kept")
    yield folder / "here/kept.py", folder / "run"
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)


@pytest.mark.slow
def test_a_run_goes_on_without_the_plugins_file(made: tuple[Path, Path], start: Autosnn) -> None:
    plugin, run = made
    kept = RunFiles(run).kept_plugin(1)
    assert {file.name for file in kept.iterdir()} == {"kept.py", "beside_kept.py"}
    assert (kept / "kept.py").read_text() == plugin.read_text()
    shutil.move(run, run.parent / "elsewhere")
    shutil.move(plugin.parent, run.parent / "there")
    run, moved = run.parent / "elsewhere", run.parent / "there/kept.py"
    for command in (
        ["evaluate", next(run.glob("finalists/*/retrained.ckpt"))],
        ["search", "--output", run],
        ["describe", "--run", run, "--blocks", "kept,skip", "--plugin", moved],
        ["search", "--output", run, "--plugin", moved],
    ):
        outcome = start(*command, cwd=run.parent).wait()
        assert (outcome.code, outcome.err) == (0, ""), command
    assert read_json(run / "settings.json")["plugins"] == [str(plugin)]
    shutil.rmtree(RunFiles(run).kept_plugin(1))
    outcome = start("evaluate", run, cwd=run.parent).wait()
    assert outcome.code == 2
    assert "kept.py is not a Python file; check --plugin" in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["kept.py", "beside_kept.py"])
def test_a_plugin_that_has_changed_is_named(
    made: tuple[Path, Path], changed: str, start: Autosnn
) -> None:
    plugin, run = made
    file = plugin.with_name(changed)
    file.write_text(file.read_text() + "\n# another forward\n")
    said = (
        f"autosnn: plugin {plugin} has changed since {run} used it; results of the run are of both"
    )
    for command in (["evaluate", run], ["search", "--output", run]):
        outcome = start(*command, cwd=run.parent).wait()
        assert (outcome.code, outcome.err) == (0, f"{said}\n"), command
    assert start("evaluate", run, cwd=run.parent).wait().err == ""
