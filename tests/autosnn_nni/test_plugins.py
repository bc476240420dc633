"""A user's own file: a block, a space, a data set and a search, each found by its name."""

import json
import signal
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.plugins import load_plugin, own_files
from autosnn_nni.search_spaces import BLOCKS, MACROS

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
PLUGIN = """
from dataclasses import dataclass

import torch
from torch import nn

from autosnn_nni.data import DataInfo, Images, register_dataset
from autosnn_nni.search_spaces import BLOCKS, MACROS, TBD, Fixed, Macro, Pool
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
MACROS.add("my_network", Macro((Fixed("my_pointwise", 1), Pool("max"), Fixed("my_pointwise", 2))))


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
        ["status", str(plugin_run)],
        ["runs", str(plugin_run.parent)],
    ]
    script = COMMANDS.format(commands=commands)
    outcome = start("-c", script, command=sys.executable, cwd=tmp_path).wait()
    assert outcome.err == ""
    parts = outcome.out.split("exit code 0\n")
    assert len(parts) == 7, outcome.out
    result = read_json(plugin_run / "result.json")
    assert json.loads(parts[0])["spikes"] == result["spikes"]
    assert json.loads(parts[2])["blocks"] == blocks.split(",")
    assert "Test split of my_stripes" in parts[3]
    assert "run: done" in parts[4]
    assert "my_stripes" in parts[5]


@pytest.mark.slow
def test_a_network_made_by_hand_is_found_by_its_name(
    plugin: Path, start: Autosnn, tmp_path: Path
) -> None:
    network = ("--plugin", plugin, "--network", "my_network", "--dataset", "my_stripes")
    size = ("--channels", "2", "--timesteps", "2")
    run = tmp_path / "run"
    trained = start("train", *network, *size, "--retrain-epochs", "1", "--output", run).wait()
    assert trained.code == 0, trained.err
    assert read_json(run / "settings.json")["space"] == "my_network"
    described = start("describe", *network, *size, "--json").wait()
    parameters = json.loads(described.out)["parameters"]
    assert parameters == read_json(run / "result.json")["parameters"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("blocks", "my_pointwise"),
        ("spaces", "my_space"),
        ("strategies", "my_search"),
        ("datasets", "my_stripes"),
        ("networks", "my_network"),
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


HALF_WAY = """
from torch import nn
from autosnn_nni.search_spaces import BLOCKS, MACROS, TBD, Macro

class {name}(nn.Module): ...

BLOCKS.add("half_way", {name})
MACROS.add("half_way", Macro((TBD(1),)))
{last}
"""


@pytest.mark.usefixtures("registries")
def test_what_a_plugin_has_registered_is_replaced_when_it_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "half_way.py"
    for name, last in (("One", "1 / 0"), ("One", "1 / 0"), ("Two", ""), ("Three", "")):
        path.write_text(HALF_WAY.format(name=name, last=last))
        if last:
            with pytest.raises(UserError, match="ZeroDivisionError"):
                load_plugin(path)
        else:
            load_plugin(path)
        assert BLOCKS["half_way"].__name__ == name  # type: ignore[attr-defined]
    path.write_text(HALF_WAY.format(name="Four", last="BLOCKS.add('half_way', nn.ReLU)"))
    with pytest.raises(UserError, match="'half_way' is registered twice"):
        load_plugin(path)


def test_a_plugin_may_import_what_lies_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "package_beside"
    package.mkdir()
    (package / "__init__.py").write_text("from package_beside.inner import VALUE\n")
    (package / "inner.py").write_text("VALUE = 7\n")
    (tmp_path / "module_beside.py").write_text("VALUE = 8\n")
    (tmp_path / "json.py").write_text("1 / 0\n")  # it hides no package
    path = tmp_path / "imports.py"
    path.write_text(
        "import json, module_beside, package_beside\n"
        "assert (module_beside.VALUE, package_beside.VALUE) == (8, 7)\n"
        "def late():\n    import late_beside\n    return late_beside.VALUE\n"
    )
    load_plugin(path)
    assert own_files(path) == sorted([path, tmp_path / "module_beside.py", *package.glob("*.py")])
    (tmp_path / "late_beside.py").write_text("VALUE = 9\n")
    module = next(one for name, one in sys.modules.items() if "plugin_imports_" in name)
    assert module.late() == 9
    assert not list(package.glob("__pycache__"))


SETS = """
import torch

from autosnn_nni.data import DataInfo, Images, register_dataset

info = DataInfo((1, 8, 8), classes=3, padding=1, batch_size=8)


def add(name, count, images, labels):
    pixels = torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8)
    part = Images(images(pixels), labels(torch.arange(count) % 3))
    register_dataset(name, info)(lambda folder: (part, part))


same = lambda tensor: tensor
add("wrong_images", 60, lambda images: images / 255, same)
add("wrong_labels", 60, same, lambda labels: labels[:, None])
add("small", 3, same, same)
"""


def test_a_data_set_that_cannot_be_used_is_refused_before_a_folder_is_made(
    tmp_path: Path, autosnn: Autosnn
) -> None:
    plugin = tmp_path / "sets.py"
    plugin.write_text(SETS)
    refused = {
        "wrong_images": "data set wrong_images: training images are float32 instead of uint8",
        "wrong_labels": "data set wrong_labels: training labels have the shape [60, 1] instead",
        "small": "small has 3 training images; a search needs at least 5",
    }
    for command, (name, said) in product(("search", "supernet"), refused.items()):
        options = ("--plugin", plugin, "--dataset", name, "--output", tmp_path / "run")
        outcome = autosnn(command, *options)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith(f"autosnn: {said}")
        assert outcome.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [plugin]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import sys\nsys.exit()", "SystemExit; fix it"),
        ("import sys\nsys.exit(3)", "SystemExit: 3; fix it"),
        ("raise SystemExit('done')", "SystemExit: done; fix it"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt; fix it"),
        ("from autosnn_nni.search_spaces import BLOCKS\nBLOCKS.add('T4', int)", "called 'T4'"),
    ],
)
def test_a_plugin_that_ends_python_is_one_line(
    content: str, said: str, tmp_path: Path, autosnn: Autosnn
) -> None:
    path = tmp_path / "ends.py"
    path.write_text(content)
    outcome = autosnn("list", "blocks", "--plugin", path)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"autosnn: plugin {path} fails: ")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_ctrl_c_while_a_plugin_is_loaded_stops(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        load_plugin(path)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
def test_the_other_process_of_a_training_has_the_plugin_too(
    tmp_path: Path, start: Autosnn, tiny: Args
) -> None:
    (tmp_path / "beside.py").write_text("WIDTH = 3\n")
    path = tmp_path / "mine.py"
    path.write_text(f"import beside\n{PLUGIN}")
    outcome = start(
        *("supernet", "--plugin", path, "--output", tmp_path / "run", "--devices", "2"),
        *(*tiny, "--space", "my_space", "--candidates", "my_pointwise,skip", "--device", "cpu"),
    ).wait()
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "run/supernet.ckpt").exists()
