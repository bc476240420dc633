"""NNI 2.x's experiment API over NNI 3.0, which has dropped it."""

from collections.abc import Sequence
from typing import Any

from nni.nas.evaluator import Evaluator
from nni.nas.execution import ExecutionEngine
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.experiment.config import ExecutionEngineConfig, SequentialEngineConfig
from nni.nas.nn.pytorch import ModelSpace
from nni.nas.oneshot.pytorch.strategy import OneShotStrategy
from nni.nas.strategy import Strategy

from autosnn_nni.errors import UserError
from autosnn_nni.retraining import TrainedNetwork, train_network
from autosnn_nni.search_spaces import from_sample
from autosnn_nni.strategies import PopulationEngine

#: NNI 2.x's execution engines as NNI 3.0's engine and model format.
_ENGINES = {
    "oneshot": ("sequential", "raw"),
    "py": ("ts", "simplified"),
    "base": ("ts", "graph"),
}


def RetiariiExeConfig(  # noqa: N802
    training_service_platform: str = "local", execution_engine: str = "py", **fields: Any
) -> NasExperimentConfig:
    """NNI 2.x's configuration: engines ``oneshot`` (this process), ``py`` and ``base`` (trials).

    ``fields`` are those of NNI's ``NasExperimentConfig``, such as ``experiment_name``.
    """
    if execution_engine not in _ENGINES:
        raise UserError(f"unknown engine {execution_engine!r}; known: {', '.join(_ENGINES)}")
    engine, model_format = _ENGINES[execution_engine]
    # NNI warns of a platform that the in-process engine has no use for.
    platform = None if engine == "sequential" else training_service_platform
    return NasExperimentConfig(engine, model_format, platform, **fields)


class RetiariiExperiment(NasExperiment):
    """NNI 2.x's ``RetiariiExperiment``: a space, an evaluator and a strategy, run together."""

    def __init__(
        self,
        base_model: ModelSpace,
        evaluator: Evaluator,
        applied_mutators: Sequence[Any] | None = None,
        strategy: Strategy | None = None,
    ) -> None:
        if applied_mutators:
            raise UserError("applied_mutators are not supported: declare choices in the space")
        if strategy is None:
            raise UserError("RetiariiExperiment needs a strategy, such as AutoSNN")
        engine = "oneshot" if isinstance(strategy, OneShotStrategy) else "py"
        config = RetiariiExeConfig(execution_engine=engine)
        super().__init__(base_model, evaluator, strategy, config)

    def run(
        self, config: NasExperimentConfig | None = None, port: int = 8080, debug: bool = False
    ) -> bool:
        """Run to the end; ``port`` is the web UI's where trials are started.

        One-shot strategies, such as AutoSNN, always run in this process, whatever the engine.
        Ctrl-C raises ``KeyboardInterrupt``, which NNI keeps to itself: what follows would take a
        search that was cut short for a finished one.
        """
        if config is not None:
            self.config = config
        if isinstance(self.strategy, OneShotStrategy):
            in_process = RetiariiExeConfig(execution_engine="oneshot")
            for field in ("execution_engine", "model_format", "training_service"):
                setattr(self.config, field, getattr(in_process, field))
        try:
            finished: bool | None = super().run(port, True, debug)
            if finished is None:
                raise KeyboardInterrupt
            return finished
        finally:
            if not self._nni_manager_required():
                self.stop()

    def export_top_models(
        self, top_k: int = 1, optimize_mode: str = "maximize", formatter: str | None = "dict"
    ) -> list[Any]:
        """The best ``top_k`` architectures: dicts of block names by default."""
        if optimize_mode != "maximize":
            raise UserError("fitness is maximised; optimize_mode must be 'maximize'")
        exported: list[Any] = super().export_top_models(top_k, formatter=formatter)
        return exported

    def final_model(self, epochs: int | None = None) -> TrainedNetwork:
        """Train the best architecture from scratch: the network, its accuracy and its spikes.

        ``epochs`` default to those of the supernet.
        """
        (best,) = self.export_top_models(top_k=1)
        evaluator: Any = self.evaluator
        training = evaluator.training if epochs is None else evaluator.training.with_epochs(epochs)
        config = self.model_space.config
        return train_network(config, from_sample(best), evaluator.data, training)

    def execution_engine_factory(self, config: ExecutionEngineConfig) -> ExecutionEngine:
        """NNI's engines; the in-process one scores whole populations."""
        if isinstance(config, SequentialEngineConfig):
            return PopulationEngine(
                config.max_model_count, config.max_duration, config.continue_on_failure
            )
        return super().execution_engine_factory(config)
