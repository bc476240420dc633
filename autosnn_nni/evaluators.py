"""NNI's evaluators: of a supernet in training, and of its subnets."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nni
from nni.nas.evaluator.pytorch.lightning import Lightning

from autosnn_nni.data import Batches, Splits
from autosnn_nni.evaluation import Batch, calibration_batches, plain_batches, score
from autosnn_nni.hyperparameters import Training
from autosnn_nni.progress import progress_bar
from autosnn_nni.search_spaces import SpikingNetwork, subnet
from autosnn_nni.strategies import Fitness, Metrics, PopulationEvaluator
from autosnn_nni.training import SpikingClassifier, make_trainer, resume_from


def score_all(
    samples: Sequence[Mapping[str, str]], score: Callable[[Mapping[str, str]], Metrics]
) -> list[Metrics]:
    """Metrics of every sample, in order, with a progress bar."""
    metrics: list[Metrics] = []
    with progress_bar("Search, a generation", len(samples), "architectures") as advance:
        for sample in samples:
            metrics.append(score(sample))
            best = max(one["default"] for one in metrics)
            advance(len(metrics), f"best {best:.4f}")
    return metrics


class SubnetEvaluator(PopulationEvaluator):
    """Scores subnets of a trained supernet on D_val; reports ``default``, ``accuracy``, ``spikes``.

    ``val`` are plain batches of D_val, ``calibration`` plain batches of D_train for batch norm
    (none: the supernet's own statistics).
    """

    def __init__(
        self, fitness: Fitness, val: Sequence[Batch], calibration: Sequence[Batch], n_avg: float
    ) -> None:
        self.fitness = fitness
        self.val = val
        self.calibration = calibration
        self.n_avg = n_avg

    def evaluate_population(
        self, supernet: Any, samples: Sequence[Mapping[str, str]]
    ) -> list[Metrics]:
        """Metrics of every sample's subnet, in order."""
        return score_all(samples, lambda sample: self._score(subnet(supernet.network, sample)))

    def evaluate(self, model: Any) -> Metrics:
        """Score one frozen model of the supernet, as NNI's trials do, and report it to NNI."""
        metrics = self._score(model.network)
        if nni.get_current_parameter() is not None:
            nni.report_final_result(metrics)
        return metrics

    def _score(self, network: SpikingNetwork) -> Metrics:
        return score(network, self.val, self.calibration, self.fitness, self.n_avg)


@nni.trace  # NNI takes only traced evaluators
class SpikingEvaluator(Lightning):
    """Trains a supernet with NNI's one-shot strategies, then scores its subnets.

    With a ``checkpoint`` every epoch is saved there, together with ``about``, and training goes on
    from it.
    """

    def __init__(
        self,
        data: Splits,
        training: Training,
        checkpoint: Path | None = None,
        about: Mapping[str, Any] = {},
    ) -> None:
        self.data = data
        self.training = training
        batches = train_batches(data, training)
        trainer = make_trainer(training, batches, "Supernet", checkpoint, about)
        super().__init__(
            SpikingClassifier(training.learning_rate, training.spike_regularisation),
            trainer,
            train_dataloaders=batches,
            val_dataloaders=plain_batches(data, data.val, training),
            fit_kwargs=resume_from(checkpoint, about),
        )

    def scorer(self, fitness: Fitness) -> SubnetEvaluator:
        """The evaluator of the trained supernet's subnets on D_val."""
        val = list(plain_batches(self.data, self.data.val, self.training))
        calibration = calibration_batches(self.data, self.training)
        return SubnetEvaluator(fitness, val, calibration, float(self.module.n_avg))


def train_batches(data: Splits, training: Training, *, cutout: bool = False) -> Batches:
    """Shuffled, augmented batches of D_train (Section A.1)."""
    return Batches(
        data.train,
        data.dataset,
        batch_size=training.batch_size,
        shuffle=True,
        augment=True,
        cutout=cutout,
        seed=training.seed,
    )
