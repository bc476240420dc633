"""An NNI trial: scores one architecture with a run's supernet, or trains it from scratch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nni

from autosnn_nni.errors import UserError
from autosnn_nni.manager.parameters import next_parameters
from autosnn_nni.runs.directory import RunDirectory, load_run
from autosnn_nni.runs.inputs import load_supernet, scoring_of, training_of
from autosnn_nni.runs.kept_data import load_kept_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.supernet_scorer import SupernetScorer
from autosnn_nni.scoring.average import average_cost
from autosnn_nni.scoring.batches import val_batches
from autosnn_nni.scoring.evaluation import measure, metrics
from autosnn_nni.search_spaces import from_sample
from autosnn_nni.strategies import Fitness, Metrics
from autosnn_nni.training.checkpoints import Checkpoint


@dataclass(frozen=True)
class Trial:
    """Evaluates an architecture of ``run``; ``lambda_`` weighs spikes in the fitness.

    ``lambda_`` defaults to the run's. The average cost is that of the run's supernet.
    """

    run: RunDirectory
    machine: Machine
    lambda_: float | None = None

    @property
    def fitness(self) -> Fitness:
        """The fitness of the trials."""
        fitness = self.run.settings.fitness
        return fitness if self.lambda_ is None else replace(fitness, coefficient=self.lambda_)

    def report(self, blocks: Sequence[str], *, scratch: bool, epochs: int | None) -> Metrics:
        """Train ``blocks`` from ``scratch`` or score them with inherited weights; report to NNI."""
        metrics = self.train(blocks, epochs) if scratch else self.inherit(blocks)
        nni.report_final_result(dict(metrics))
        return metrics

    def inherit(self, blocks: Sequence[str]) -> Metrics:
        """Fitness and measurements on D_val with the supernet's weights."""
        scorer = SupernetScorer(self.run, self.machine)
        return metrics(self.fitness, self._average(scorer.supernet), scorer.measure(blocks))

    def train(self, blocks: Sequence[str], epochs: int | None) -> Metrics:
        """Fitness and measurements on D_val after training from scratch.

        Those of the test split are added as ``test_accuracy`` and ``test_spikes``.
        """
        from autosnn_nni.training.from_scratch import train_network  # late: Lightning takes seconds

        settings = self.run.settings
        average = self._average(load_supernet(self.run))
        training = training_of(self.run, epochs or settings.retrain_epochs, self.machine)
        scoring = scoring_of(self.run, self.machine)
        data = load_kept_data(self.run, self.machine)
        trained = train_network(settings.network, blocks, data, training, scoring)
        measured = measure(trained.network, val_batches(data, scoring), timed=settings.timed)
        tested = {"test_accuracy": trained.accuracy, "test_spikes": trained.spikes}
        return {**metrics(self.fitness, average, measured), **tested}

    def _average(self, supernet: Checkpoint) -> float:
        return average_cost(self.fitness, supernet.average, self.run.settings.network)


def run_trial(
    path: Path, machine: Machine, lambda_: float | None, *, scratch: bool, epochs: int | None
) -> None:
    """Evaluate the architecture that NNI assigns to this trial, and report the result."""
    trial = Trial(load_run(path), machine, lambda_)
    if epochs is not None and (epochs < 1 or not scratch):
        raise UserError("--epochs must be at least 1, and needs --from-scratch")
    trial.report(from_sample(next_parameters()), scratch=scratch, epochs=epochs)
