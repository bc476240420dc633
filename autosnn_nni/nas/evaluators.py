"""NNI evaluators: one trains a supernet, one scores its subnets."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import nni
from nni.nas.evaluator.pytorch.lightning import Lightning
from pytorch_lightning.trainer.states import TrainerStatus

from autosnn_nni.data import Splits
from autosnn_nni.progress import SearchProgress
from autosnn_nni.scoring.average import average_cost
from autosnn_nni.scoring.batches import (
    Batch,
    Scoring,
    calibration_batches,
    plain_batches,
    val_batches,
)
from autosnn_nni.scoring.evaluation import metrics, score
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.search_spaces import NetworkConfig
from autosnn_nni.strategies import Fitness, Measurements, Metrics, PopulationEvaluator
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.lightning import make_classifier, make_trainer, resume_from


class SubnetEvaluator(PopulationEvaluator):
    """Scores subnets of a trained supernet on D_val; reports the fitness and all measurements.

    ``val`` are plain batches of D_val, ``calibration`` plain batches of D_train for batch norm (if
    empty, the supernet's own statistics are used). ``average`` are the means over the paths of the
    supernet's training. Common prefixes of architectures are computed once; up to ``cache_memory``
    bytes of them are kept for the next population. If ``timed``, each subnet is also timed.
    """

    def __init__(
        self,
        fitness: Fitness,
        val: Sequence[Batch],
        calibration: Sequence[Batch],
        average: Measurements,
        cache_memory: int = 0,
        *,
        timed: bool = False,
    ) -> None:
        self.fitness = fitness
        self.val = val
        self.calibration = calibration
        self.average = average
        self.cache_memory = cache_memory
        self.timed = timed
        self._average_cost: float | None = None
        self._scorer: PopulationScorer | None = None
        self._progress = SearchProgress(sum(len(labels) for _, labels in val))

    @property
    def n_avg(self) -> float:
        """N_avg of Eq. 3: the mean spikes per image over the supernet's paths."""
        return self.average.spikes

    def searching(self, done: int, total: int) -> AbstractContextManager[None]:
        """Context manager for a search; shows its expected duration and a progress bar."""
        return self._progress.searching(done, total)

    def evaluate_population(
        self, supernet: Any, samples: Sequence[Mapping[str, str]]
    ) -> list[Metrics]:
        """Metrics of every sample's subnet, in order."""
        if self._scorer is None or self._scorer.supernet is not supernet.network:
            data = self.val, self.calibration
            memory, timed = self.cache_memory, self.timed
            self._scorer = PopulationScorer(supernet.network, *data, memory, timed=timed)
        with self._progress.generation(len(samples)) as advance:
            results = self._scorer.evaluate(samples, advance)
        return [self._metrics(result, supernet.config) for result in results]

    def evaluate(self, model: Any) -> Metrics:
        """Score one frozen model of the supernet and report it to NNI, as NNI's trials do."""
        result = score(model.network, self.val, self.calibration, timed=self.timed)
        metrics = self._metrics(result, model.config)
        if nni.get_current_parameter() is not None:
            nni.report_final_result(metrics)
        return metrics

    def _metrics(self, measured: Measurements, config: NetworkConfig) -> Metrics:
        if self._average_cost is None:
            self._average_cost = average_cost(self.fitness, self.average, config)
        return metrics(self.fitness, self._average_cost, measured)


#: What a checkpoint says of a supernet, if there are no settings of a run.
_SUPERNET: Mapping[str, Any] = {"kind": "supernet", "settings": {}, "blocks": []}


@nni.trace  # NNI accepts only traced evaluators
class SpikingEvaluator(Lightning):
    """Trains a supernet with NNI's one-shot strategies, then scores its subnets.

    ``scoring`` defaults to ``training.scoring``. With a ``checkpoint``, every epoch is saved there
    together with ``about``, and training resumes from it. For ``cache_memory`` and ``timed`` see
    :class:`SubnetEvaluator`.
    """

    def __init__(
        self,
        data: Splits,
        training: Training,
        scoring: Scoring | None = None,
        *,
        checkpoint: Path | None = None,
        about: Mapping[str, Any] = _SUPERNET,
        cache_memory: int = 0,
        timed: bool = False,
    ) -> None:
        self.data = data
        self.timed = timed
        self.cache_memory = cache_memory
        self.training = training
        self.scoring = training.scoring if scoring is None else scoring
        batches = train_batches(data, training)
        trainer = make_trainer(training, batches, "Supernet", checkpoint, about, supernet=True)
        super().__init__(
            make_classifier(training),
            trainer,
            train_dataloaders=batches,
            val_dataloaders=plain_batches(data, data.val, self.scoring),
            fit_kwargs=resume_from(checkpoint, about),
        )

    @property
    def has_run(self) -> bool:
        """Whether it has trained, or begun to: its trainer does so only once."""
        trained: bool = self.trainer.state.status != TrainerStatus.INITIALIZING
        return trained

    def scorer(self, fitness: Fitness) -> SubnetEvaluator:
        """The evaluator for subnets of the trained supernet on D_val."""
        val = val_batches(self.data, self.scoring)
        calibration = calibration_batches(self.data, self.scoring)
        average, memory = self.module.average, self.cache_memory
        return SubnetEvaluator(fitness, val, calibration, average, memory, timed=self.timed)
