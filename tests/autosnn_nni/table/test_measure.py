"""One training of a table, compared with the same training without a table."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import load_data, scoring_of, training_of
from autosnn_nni.runs.machine import Machine
from autosnn_nni.scoring.batches import calibration_batches, val_batches
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.scoring.evaluation import evaluate
from autosnn_nni.search_spaces import SpikingNetwork, build_network, seeded, to_text
from autosnn_nni.table.measure import measure
from autosnn_nni.table.plan import Task
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.trained import TrainedNetwork
from tests.autosnn_nni.table.made import PLAN

TASK = Task(("SCB_k3", "SCB_k3", "skip", "SCB_k3", "SCB_k3"), 3, 5)
RUN, MACHINE = RunDirectory(Path(), PLAN.settings), Machine(device="cpu")
CONFIG = replace(PLAN.settings.network, timesteps=TASK.timesteps)
DATA, SCORING = load_data(RUN, MACHINE), scoring_of(RUN, MACHINE)
ROWS = measure(TASK, PLAN, DATA)


@cache
def alone() -> TrainedNetwork:
    training = replace(training_of(RUN, 2, MACHINE), seed=TASK.seed)
    return train_network(CONFIG, TASK.blocks, DATA, training, SCORING)


def test_there_is_a_row_for_every_epoch() -> None:
    assert [row["epoch"] for row in ROWS] == [0, 1, 2]
    for row in ROWS:
        assert (row["blocks"], row["timesteps"], row["seed"]) == (to_text(TASK.blocks), 3, 5)
    seconds = [row["seconds"] for row in ROWS]
    assert seconds == sorted(seconds)
    assert seconds[0] == 0  # of training alone


def test_measuring_does_not_change_the_training() -> None:
    test = alone().test
    assert ROWS[-1]["test_accuracy"] == pytest.approx(test.accuracy, abs=5e-5)
    assert ROWS[-1]["test_spikes"] == pytest.approx(test.spikes, abs=5e-5)
    assert ROWS[-1]["test_synops"] == pytest.approx(test.synops, abs=5e-5)
    assert test.synops > test.spikes > test.neuron_spikes > 0
    assert ROWS[-1]["parameters"] == alone().description.parameters


def on_d_val(network: SpikingNetwork) -> dict[str, float]:
    calibrated = recalibrated(network, calibration_batches(DATA, SCORING))
    result = evaluate(calibrated, val_batches(DATA, SCORING), operations=True)
    return {
        "val_accuracy": result.accuracy,
        "val_spikes": result.spikes,
        "val_neuron_spikes": result.neuron_spikes,
        "val_synops": result.synops,
    }


def test_epoch_0_is_the_untrained_network() -> None:
    with seeded(TASK.seed):
        untrained = build_network(CONFIG, TASK.blocks)
    expected = on_d_val(untrained)
    assert {name: ROWS[0][name] for name in expected} == pytest.approx(expected, abs=5e-5)
    assert math.isfinite(ROWS[0]["score"])
    assert all("score" not in row for row in ROWS[1:])


def test_the_last_epoch_is_the_trained_network() -> None:
    found = {name: ROWS[-1][name] for name in on_d_val(alone().network)}
    assert found == pytest.approx(on_d_val(alone().network), abs=5e-5)
