"""One training of a table: its rows."""

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback

from autosnn_nni.data import Splits
from autosnn_nni.nas.training_free import snasnet_score
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import scoring_of, training_of
from autosnn_nni.runs.machine import Machine
from autosnn_nni.scoring.batches import Scoring, calibration_batches, val_batches
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.scoring.evaluation import Evaluation, evaluate
from autosnn_nni.search_spaces import to_text
from autosnn_nni.table.plan import Plan, Task
from autosnn_nni.table.rows import MEASURED, Row
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.hyperparameters import Training


def measure(task: Task, plan: Plan, data: Splits) -> list[Row]:
    """Train and test a network; a row for each of the plan's epochs, the last one with the test."""
    run, machine = RunDirectory(Path(), plan.settings), Machine(device="cpu")
    training = training_of(run, plan.settings.retrain_epochs, machine)
    training, scoring = replace(training, seed=task.seed), scoring_of(run, machine)
    curve = Curve(plan.epochs, data, training, scoring)
    config = replace(plan.settings.network, timesteps=task.timesteps)
    trained = train_network(config, task.blocks, data, training, scoring, callbacks=[curve])
    tested = {**_named("test", trained.test), "parameters": trained.description.parameters}
    key = {"blocks": to_text(task.blocks), "timesteps": task.timesteps, "seed": task.seed}
    *before, last = curve.rows
    return [{**key, **row} for row in (*before, {**last, **tested})]


class Curve(Callback):
    """Measures a network on D_val while it is trained, and its SNASNet score before.

    ``seconds`` are the processor's, for training alone. Epoch 0 is the untrained network.
    """

    def __init__(
        self, epochs: Sequence[float], data: Splits, training: Training, scoring: Scoring
    ) -> None:
        self.rows: list[Row] = []
        self._epochs, self._data, self._training = epochs, data, training
        self._val = val_batches(data, scoring)
        self._calibration = calibration_batches(data, scoring)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Measure the untrained network."""
        batches = trainer.num_training_batches
        self._steps = {round(epoch * batches): epoch for epoch in self._epochs}
        untrained = copy.deepcopy(pl_module.model)
        score = snasnet_score(untrained, self._data, self._training)
        self._seconds, self._start = 0.0, time.process_time()
        self._measure(trainer, pl_module, score=score)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """Measure the network after the steps at which an epoch, or a part of it, ends."""
        self._measure(trainer, pl_module)

    def _measure(self, trainer: Any, pl_module: Any, **further: float) -> None:
        epoch = self._steps.get(trainer.global_step)
        if epoch is None:
            return
        self._seconds += time.process_time() - self._start
        calibrated = recalibrated(pl_module.model, self._calibration)
        result = evaluate(calibrated, self._val, operations=True)
        row = {"epoch": epoch, "seconds": round(self._seconds, 2), **_named("val", result)}
        self.rows.append({**row, **further})
        self._start = time.process_time()


def _named(split: str, result: Evaluation) -> dict[str, float]:
    # As many digits as sums over ten thousand images have.
    return {f"{split}_{name}": round(getattr(result, name), 4) for name in MEASURED}
