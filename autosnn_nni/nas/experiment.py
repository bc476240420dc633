"""NNI 2.x's experiment API on NNI 3.0, which has removed it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nni.experiment import RunMode
from nni.nas.evaluator import Evaluator
from nni.nas.execution import ExecutionEngine
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.experiment.config import (
    ExecutionEngineConfig,
    ModelFormatConfig,
    RawModelFormatConfig,
    SequentialEngineConfig,
    SimplifiedModelFormatConfig,
    TrainingServiceEngineConfig,
)
from nni.nas.nn.pytorch import ModelSpace
from nni.nas.oneshot.pytorch.strategy import OneShotStrategy
from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule
from nni.nas.space import ExecutableModelSpace
from nni.nas.strategy import Strategy
from nni.nas.strategy.base import StrategyStatus

from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.manager.experiments import (
    check_new,
    check_stopped,
    forget_interrupted,
    patience,
    stored_experiment,
)
from autosnn_nni.manager.guard import LOOPBACK, guarded
from autosnn_nni.manager.ports import check_port
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.model_spaces import InProcessModelSpace
from autosnn_nni.nas.training_free import TrainingFreeEvaluator
from autosnn_nni.nas.trial_engine import TrialEngine, TrialModelSpace, results_of
from autosnn_nni.nas.trial_evaluator import TrialEvaluator
from autosnn_nni.runs.search_state import rows_of
from autosnn_nni.search_spaces import SpikingSpace, from_sample
from autosnn_nni.strategies import AutoSNN, PopulationEngine, PopulationEvaluator, TrialSearch
from autosnn_nni.training.batches import check_images
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.lightning import torch_left_alone
from autosnn_nni.training.processes import check_main_guard
from autosnn_nni.training.trained import TrainedNetwork

#: NNI 2.x's execution engines as NNI 3.0's engine and model format.
_ENGINES = {
    "oneshot": ("sequential", "raw"),
    "py": ("ts", "simplified"),
    "base": ("ts", "graph"),
}

#: Printed where a user of NNI would wait for an address.
_NO_WEB_UI = (
    "This search runs in this process, without NNI's web UI. To see a search there when it is "
    "done, run autosnn search --output RUN, then autosnn view RUN\n"
)


def RetiariiExeConfig(  # noqa: N802
    training_service_platform: str = "local", execution_engine: str = "py", **fields: Any
) -> NasExperimentConfig:
    """NNI 2.x's configuration: engines ``oneshot`` (this process), ``py`` and ``base`` (trials).

    ``fields`` are those of NNI's ``NasExperimentConfig``, such as ``trial_concurrency``
    (default: 1) and ``max_trial_number``.
    """
    if execution_engine not in _ENGINES:
        raise UserError(f"unknown engine {execution_engine!r}; known: {', '.join(_ENGINES)}")
    engine, model_format = _ENGINES[execution_engine]
    # NNI warns about a platform that the in-process engine does not need.
    platform = None if engine == "sequential" else training_service_platform
    return NasExperimentConfig(engine, model_format, platform, **{"trial_concurrency": 1, **fields})


class RetiariiExperiment(NasExperiment):
    """NNI 2.x's ``RetiariiExperiment``: a space, an evaluator and a strategy, run together.

    ``id`` is that of a new experiment, or of an earlier one to :meth:`resume` or ``view``.
    """

    _proc: Any  # NNI's manager

    def __init__(
        self,
        base_model: ModelSpace,
        evaluator: Evaluator,
        applied_mutators: Sequence[Any] | None = None,
        strategy: Strategy | None = None,
        *,
        id: str | None = None,
    ) -> None:
        if applied_mutators:
            raise UserError("applied_mutators are not supported: declare choices in the space")
        if strategy is None:
            raise UserError("RetiariiExperiment needs a strategy, such as AutoSNN")
        _check_kind("base_model", base_model, ModelSpace)
        _check_kind("evaluator", evaluator, Evaluator)
        _check_kind("strategy", strategy, Strategy)
        in_process = _runs_in_process(evaluator, strategy)
        config = RetiariiExeConfig(execution_engine="oneshot" if in_process else "py")
        super().__init__(base_model, evaluator, strategy, config, id)

    def run(
        self, config: NasExperimentConfig | None = None, port: int = 8080, debug: bool = False
    ) -> bool:
        """Run until the end or :meth:`stop`; ``port`` is for the web UI of experiments with trials.

        The web UI is closed by :meth:`stop` or with this process. One-shot strategies, such as
        AutoSNN, and evaluators of whole populations always run in this process, with any engine,
        and have no web UI. Raises :class:`UserError` before anything is started, and
        ``KeyboardInterrupt`` on Ctrl-C.
        """
        if config is not None:
            self.config = config
        if _runs_in_process(self.evaluator, self.strategy):
            sys.stderr.write(_NO_WEB_UI)
            return self.run_in_process()
        finished: bool = super().run(port, True, debug)
        return finished

    def run_in_process(self) -> bool:
        """Like :meth:`run`, for what runs in this process; does not mention the web UI."""
        in_process = RetiariiExeConfig(execution_engine="oneshot")
        for field in ("execution_engine", "model_format", "training_service"):
            setattr(self.config, field, getattr(in_process, field))
        finished: bool = super().run(wait_completion=True)
        return finished

    def resume(self, port: int = 8080, wait_completion: bool = True, debug: bool = False) -> bool:
        """Resume a search by trials that was ended by Ctrl-C, :meth:`stop` or a crash.

        It keeps the configuration it was started with. Architectures whose trials have finished or
        failed are not evaluated again.
        """
        if not isinstance(self.strategy, TrialSearch):
            raise UserError(
                "only a TrialSearch can be resumed; AutoSNN resumes from its checkpoint"
            )
        stored_experiment(self.id)
        check_stopped(self.id)
        finished: bool = super().resume(port, wait_completion, debug)
        return finished

    def start(
        self, port: int = 8080, debug: bool = False, run_mode: RunMode = RunMode.Background
    ) -> None:
        """Like :meth:`run`, but does not wait for models that the strategy does not wait for."""
        if self._action != "view":
            self._check_unused()
        self._check_images()
        if isinstance(self.evaluator, SpikingEvaluator):
            check_main_guard(self.evaluator.training.devices)
        if self._nni_manager_required():
            check_port(port)
            self._check_home()
            if self._action == "create":
                check_new(self.id)
        if isinstance(self.evaluator, TrialEvaluator):
            self.evaluator.check(self.model_space)
        with self._stopped_on_error(), torch_left_alone():
            super().start(port, debug, run_mode)

    def save_checkpoint(self) -> None:
        """Save NNI's own files, which a search in this process does not need."""
        if self._nni_manager_required():
            super().save_checkpoint()

    def load_checkpoint(self) -> None:
        """Use the configuration that the experiment was started with, as the manager does.

        NNI also loads states here, which torch >= 2.6 refuses; those of a TrialSearch are empty.
        """
        stored = read_json(stored_experiment(self.id) / "checkpoint" / "config.json")
        # The manager knows the trials' folder; NNI accepts only the working directory.
        self.config = NasExperimentConfig(**{**stored, "trialCodeDirectory": "."})

    def export_top_models(
        self, top_k: int = 1, optimize_mode: str = "maximize", formatter: str | None = "dict"
    ) -> list[Any]:
        """The best ``top_k`` architectures, by default as dicts of block names.

        The ``formatter`` ``"metrics"`` adds fitness, accuracy, spikes and all else that was
        measured, as in a run's ``candidates.csv``; the others are NNI's.
        """
        if optimize_mode != "maximize":
            raise UserError("fitness is maximised; optimize_mode must be 'maximize'")
        if formatter == "metrics":
            return self._measured(top_k)
        exported: list[Any] = super().export_top_models(top_k, formatter=formatter)
        return exported

    def _measured(self, top_k: int) -> list[Any]:
        strategy: Any = self.strategy
        if not isinstance(strategy, AutoSNN | TrialSearch):
            raise UserError("formatter='metrics' needs the strategy AutoSNN or TrialSearch")
        return list(rows_of(strategy.history.top(top_k, strategy.search.constraints)))

    def final_model(self, epochs: int | None = None) -> TrainedNetwork:
        """Train the best architecture from scratch; returns it with its accuracy and spikes.

        ``epochs`` defaults to the evaluator's.
        """
        (best,) = self.export_top_models(top_k=1)
        evaluator: Any = self.evaluator
        training = evaluator.training if epochs is None else evaluator.training.with_epochs(epochs)
        config = self.model_space.config
        scoring = getattr(evaluator, "scoring", None)
        return train_network(config, from_sample(best), evaluator.data, training, scoring)

    def execution_engine_factory(self, config: ExecutionEngineConfig) -> ExecutionEngine:
        """Create NNI's engine; the in-process one scores whole populations."""
        if isinstance(config, SequentialEngineConfig):
            return PopulationEngine(
                config.max_model_count, config.max_duration, config.continue_on_failure
            )
        if isinstance(config, TrainingServiceEngineConfig):
            return TrialEngine(self)
        return super().execution_engine_factory(config)

    def executable_model_factory(self, config: ModelFormatConfig) -> ExecutableModelSpace:
        """Create NNI's model format; trials are recorded by their blocks."""
        if isinstance(config, RawModelFormatConfig):
            return InProcessModelSpace.from_model(self.model_space, self.evaluator)
        if isinstance(config, SimplifiedModelFormatConfig):
            return TrialModelSpace.from_model(self.model_space, self.evaluator)
        return super().executable_model_factory(config)

    def _check_unused(self) -> None:
        """NNI changes all three in a run, and trains an evaluator's supernet only once."""
        used = {
            "model space": any(
                isinstance(one, BaseSuperNetModule) for one in self.model_space.modules()
            ),
            "evaluator": isinstance(self.evaluator, SpikingEvaluator) and self.evaluator.has_run,
            "strategy": self.strategy._status != StrategyStatus.EMPTY,
        }
        names = " and ".join(name for name, is_used in used.items() if is_used)
        if names:
            raise UserError(
                f"the {names} of this experiment took part in a run before; make a new experiment, "
                f"with a new {names}"
            )

    def _check_images(self) -> None:
        """Check that the space is for the evaluator's images, which torch would say in its way."""
        trains = isinstance(self.evaluator, SpikingEvaluator | TrainingFreeEvaluator)
        if trains and isinstance(self.model_space, SpikingSpace):
            check_images(self.model_space.config, self.evaluator.data.dataset)

    def _check_home(self) -> None:
        """Check that NNI's folder can be written, which only its manager needs."""
        folder = Path(self.config.canonical_copy().experiment_working_directory)
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(
                f"NNI cannot write in {folder}; set HOME to a folder that can be written"
            )

    def _start_logging(self, debug: bool) -> None:
        if self._nni_manager_required():
            super()._start_logging(debug)

    def _start_without_nni_manager(self) -> None:
        """Write nothing in NNI's folder: whether it can be written, or is full, does not matter."""

    def _stop_without_nni_manager(self) -> None:
        """As there is nothing to update."""

    def _run_impl(self, port: int, wait_completion: bool, debug: bool) -> bool:
        self.start(port, debug)
        with self._stopped_on_error():
            finished: bool = self._wait_completion()
        if not self._nni_manager_required():
            self.stop()
        return finished

    @contextmanager
    def _stopped_on_error(self) -> Iterator[None]:
        """Stop on every error and raise it; NNI stops only on Ctrl-C, without raising it."""
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def _start_nni_manager(self, port: int, *arguments: Any, **options: Any) -> None:
        if self._action == "resume":
            forget_interrupted(stored_experiment(self.id))
        space = self.model_space
        choices = space.config.choices if isinstance(space, SpikingSpace) else ()
        with guarded(choices=choices), patience():
            super()._start_nni_manager(port, *arguments, **options)
        sys.stderr.write(f"NNI's web UI: http://{LOOPBACK}:{port} (experiment {self.id})\n")

    def _start_engine_and_strategy(self) -> None:
        if self._action == "resume":
            self.strategy.recall(results_of(self.list_trial_jobs()))
        super()._start_engine_and_strategy()

    def _wait_completion(self) -> bool:
        """A TrialSearch has already waited for its trials; NNI takes seven seconds to notice."""
        return isinstance(self.strategy, TrialSearch) or super()._wait_completion()

    def _stop_nni_manager(self) -> None:
        """Terminate the manager; NNI's REST call prints long errors if it is already ending."""
        self.port = None  # tells the engine that this end is intended
        if self._proc is not None:
            self._proc.terminate()
            self._proc.wait()


def _check_kind(name: str, given: object, kind: type) -> None:
    if not isinstance(given, kind):
        raise UserError(f"{name} must be one of NNI's {kind.__name__} objects, not {given!r}")


def _runs_in_process(evaluator: Evaluator, strategy: Strategy) -> bool:
    return isinstance(strategy, OneShotStrategy) or isinstance(evaluator, PopulationEvaluator)
