"""Score whole populations in one call, within NNI's engine interface."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from nni.nas.evaluator import Evaluator
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.space import ExecutableModelSpace, ModelStatus
from torch import nn

from autosnn_nni.strategies.fitness import Fitness
from autosnn_nni.strategies.measurements import Metrics


class PopulationEvaluator(Evaluator):
    """An NNI evaluator that scores a whole population of subnets at once.

    Metrics are ``default`` (the fitness), ``accuracy`` and ``spikes``.
    """

    def searching(self, done: int, total: int) -> AbstractContextManager[None]:
        """Context manager for a search that has evaluated ``done`` of ``total`` architectures."""
        return nullcontext()

    @abstractmethod
    def evaluate_population(
        self, supernet: nn.Module, samples: Sequence[Mapping[str, str]]
    ) -> list[Metrics]:
        """Metrics of every sample, in order, with the weights of the trained ``supernet``."""


class SupernetEvaluator(Protocol):
    """What :class:`AutoSNN` needs from the evaluator that trains its supernet."""

    def scorer(self, fitness: Fitness) -> PopulationEvaluator:
        """Return the evaluator of the supernet's subnets, after training."""
        ...


class PopulationEngine(SequentialExecutionEngine):
    """NNI's in-process engine; models with a :class:`PopulationEvaluator` are scored together."""

    def submit_models(self, *models: ExecutableModelSpace) -> None:
        """Run models one by one, or score a population in one call."""
        evaluator: Any = models[0].evaluator if models else None
        if not isinstance(evaluator, PopulationEvaluator):
            super().submit_models(*models)
            return
        samples = [model.sample for model in models]
        metrics = evaluator.evaluate_population(models[0].model_space, samples)
        for model, metric in zip(models, metrics, strict=True):
            self._model_count += 1
            self._history.append(model)
            self.dispatch_model_event(FinalMetricEvent(model, metric))
            self.dispatch_model_event(TrainingEndEvent(model, ModelStatus.Trained))
