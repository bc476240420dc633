"""``autosnn check-plugin``: what an author reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Start = Callable[..., Any]
ROOT = Path(__file__).parents[3]

PLUGIN = """
import torch
from torch import nn
from autosnn_nni.search_spaces import BLOCKS, MACROS, TBD, Fixed, Macro, Pool


class Plain(nn.Module):
    def __init__(self, inputs, outputs, stride, neuron):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.neuron = neuron()

    def forward(self, x):
        return self.neuron(self.bn(self.conv(x)))


class OwnScale(Plain):
    def __init__(self, inputs, outputs, stride, neuron):
        super().__init__(inputs, outputs, stride, neuron)
        self.register_buffer("scale", torch.ones(1, outputs, 1, 1))

    def forward(self, x):
        x = self.conv(x)
        if self.training:
            with torch.no_grad():
                self.scale.lerp_(x.abs().mean((0, 2, 3), keepdim=True), 0.1)
        return self.neuron(x / self.scale.clone())


class Halved(Plain):
    def forward(self, x):
        x *= 0.5
        return super().forward(x)


class Dropped(Plain):
    def __init__(self, inputs, outputs, stride, neuron):
        super().__init__(inputs, outputs, stride, neuron)
        self.drop = nn.Dropout2d(0.5)

    def forward(self, x):
        return self.neuron(self.bn(self.drop(self.conv(x))))


class Functional(Plain):
    def forward(self, x):
        weight, stride = self.conv.weight, self.conv.stride
        return self.neuron(self.bn(nn.functional.conv2d(x, weight, None, stride, 1)))


BLOCKS.add("functional", Functional)
BLOCKS.add("plain", Plain)
BLOCKS.add("dropped", Dropped)
BLOCKS.add("own_scale", OwnScale)
MACROS.add("four", Macro((TBD(1), TBD(1), Pool("max"), TBD(2), TBD(2))))
MACROS.add("byhand", Macro((Fixed("SCB_k3", 1), Pool("max"))))
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


def words(text: str) -> str:
    """What a table says, without its lines and line breaks."""
    return " ".join(text.replace("│", " ").split())


def test_what_can_be_used_is_said_piece_by_piece(plugin: Path, start: Start) -> None:
    outcome = start("check-plugin", plugin, env={"COLUMNS": "200"}).wait()
    assert outcome.code == 0, outcome.err
    out = words(outcome.out)
    assert "block plain ok" in out
    assert "block own_scale ok its scale changes in training: architectures with it are" in out
    assert "block dropped ok random in training; that is off when it is scored" in out
    assert "block functional ok synops don't count its conv.weight: no layer that is" in out
    assert "space four ok 4 TBD blocks, 625 architectures" in out
    assert "space byhand ok a network made by hand: --network byhand" in out


COSTS = """
from autosnn_nni.chips import CHIPS, Chip, Cores
from autosnn_nni.energy import ENERGY, EnergyModel
from autosnn_nni.export import EXPORTS
from autosnn_nni.strategies import OBJECTIVES, Objective

def per_neuron():
    return Objective(title="spikes of a neuron", value=lambda one: one.spikes / one.neurons)

def votes(exported, folder):
    (folder / "votes.txt").write_text(str(exported.network(exported.images).tolist()))
    return [folder / "votes.txt"]

OBJECTIVES.add("sparsity", per_neuron)
OBJECTIVES.add("broken", lambda: Objective(title="broken", value=lambda one: 1 / 0))
ENERGY.add("mine", EnergyModel("Mine", 1.5, 3.0, "measured"))
cores = (Cores(count=2, neurons=10, weights=10**6),)
CHIPS.add("tiny", Chip(title="Tiny", source="here", date="2026-01", cores=cores))
EXPORTS.add("votes", votes)
"""


def test_objectives_energies_chips_and_formats_are_tried_too(tmp_path: Path, start: Start) -> None:
    (tmp_path / "costs.py").write_text(COSTS)
    outcome = start("check-plugin", tmp_path / "costs.py", env={"COLUMNS": "200"}).wait()
    assert outcome.code == 2
    out = words(outcome.out)
    assert "objective sparsity ok spikes of a neuron: 2.0 for 1,000 spikes" in out
    assert "objective broken refused ZeroDivisionError: division by zero" in out
    assert "energy model mine ok 1.5 pJ per synaptic operation" in out
    assert "chip tiny ok not even skips fit: it needs " in out
    assert "format votes ok votes.txt" in out


NEURONS = """
from spikingjelly.activation_based import neuron

from autosnn_nni.search_spaces import NEURONS

NEURONS.add("soft", lambda: neuron.LIFNode(v_reset=None))
NEURONS.add("ternary", neuron.TernaryLIFNode)
NEURONS.add("parallel", lambda: neuron.PSN(T=4))
"""


def test_neurons_are_tried(tmp_path: Path, start: Start) -> None:
    (tmp_path / "neurons.py").write_text(NEURONS)
    outcome = start("check-plugin", tmp_path / "neurons.py", env={"COLUMNS": "200"}).wait()
    assert outcome.code == 2
    out = words(outcome.out)
    assert "neuron soft ok" in out
    assert "neuron ternary refused neuron 'ternary' must send zeros and ones only, not -1" in out
    assert "neuron parallel refused neuron 'parallel' gives PSN, which is no BaseNode" in out


TRAINING = """
from autosnn_nni.strategies import DISCOUNTING
from autosnn_nni.training.losses import LOSSES, Loss

LOSSES.add("squares", Loss(lambda votes, target: ((votes - target) ** 2).mean()))
DISCOUNTING.add("ratio", lambda accuracy, cost, coefficient: accuracy / cost ** -coefficient)
"""


def test_a_plugin_with_a_loss_alone_is_tried(tmp_path: Path, start: Start) -> None:
    (tmp_path / "training.py").write_text(TRAINING)
    outcome = start("check-plugin", tmp_path / "training.py", env={"COLUMNS": "200"}).wait()
    assert outcome.code == 0, outcome.err
    out = words(outcome.out)
    assert "loss squares ok " in out
    assert "discounting ratio ok 0.951 at half of the average cost, 0.851 at twice" in out


def test_what_is_refused_ends_with_code_2(plugin: Path, start: Start) -> None:
    plugin.write_text(f'{PLUGIN}\nBLOCKS.add("halved", Halved)\n')
    outcome = start("check-plugin", plugin, env={"COLUMNS": "200"}).wait()
    assert outcome.code == 2
    assert "block halved refused" in words(outcome.out)
    assert "changes its input, which other blocks share" in words(outcome.out)
    assert outcome.err.startswith(f"autosnn: plugin {plugin} has pieces that can't be used")


def test_the_example_can_be_used(start: Start) -> None:
    outcome = start("check-plugin", ROOT / "examples/my_blocks.py").wait()
    assert outcome.code == 0, outcome.err


def test_an_empty_plugin_is_told(tmp_path: Path, start: Start) -> None:
    (tmp_path / "empty.py").write_text("pass\n")
    outcome = start("check-plugin", tmp_path / "empty.py").wait()
    assert outcome.code == 2
    assert "registers nothing" in outcome.err


@pytest.mark.long
def test_a_search_with_every_habit_scores_each_architecture_as_alone(
    plugin: Path, tmp_path: Path, start: Start
) -> None:
    """The search's table against `describe --run`, also for blocks that are scored alone."""
    size = ("--images", 100, "--channels", 4, "--timesteps", 2, "--supernet-epochs", 1)
    own = ("--plugin", plugin, "--space", "four", "--candidates", "skip,own_scale")
    options = (*size, *own, "--rounds", 1, "--retrain-epochs", 1, "--no-baselines")
    run = tmp_path / "run"
    outcome = start("search", "--output", run, *options).wait()
    assert outcome.code == 0, outcome.err
    rows = (run / "candidates.csv").read_text().splitlines()[1:]
    assert len(rows) == 16
    for row in [row for row in rows if "own_scale" in row][:1]:
        cells = row.split(",")
        blocks, (accuracy, spikes) = cells[:4], cells[4:6]
        options = ("--run", run, "--blocks", ",".join(blocks), "--json")
        described = start("describe", *options).wait()
        assert f'"spikes": {float(spikes)}' in described.out, (row, described)
        assert f'"accuracy": {float(accuracy)}' in described.out


@pytest.mark.long
def test_dropout_makes_no_difference_between_one_command_and_two(
    plugin: Path, tmp_path: Path, start: Start
) -> None:
    size = ("--images", 100, "--channels", 4, "--timesteps", 2, "--supernet-epochs", 1)
    own = ("--plugin", plugin, "--space", "four", "--candidates", "skip,dropped")
    options = (*size, *own, "--rounds", 1, "--retrain-epochs", 1, "--no-baselines")
    for commands, run in ((["search"], "once"), (["supernet", "search"], "twice")):
        for command in commands:
            outcome = start(command, "--output", tmp_path / run, *options).wait()
            assert outcome.code == 0, outcome.err
    once, twice = ((tmp_path / run / "candidates.csv").read_text() for run in ("once", "twice"))
    assert once == twice
