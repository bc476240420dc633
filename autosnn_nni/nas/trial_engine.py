"""NNI's engine and models for trials, with fixes for defects of NNI 3.0."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import requests
from nni.nas.execution import TrainingServiceExecutionEngine, training_service
from nni.nas.space import ExecutableModelSpace, SimplifiedModelSpace
from nni.runtime.tuner_command_channel import CommandType, TunerCommandChannel
from websockets import ConnectionClosed

from autosnn_nni.search_spaces import Architecture, from_sample, to_sample
from autosnn_nni.strategies import Metrics

#: Key that NNI's web UI reads instead of a trial's parameters.
_WEB_UI_KEY = "mutation_summary"

#: Commands that the manager sends to tuners after a resume; engines ignore them.
_TUNER_COMMANDS = (CommandType.ImportData, CommandType.AddCustomizedTrialJob)

#: States of the manager.
_ACTIVE = ("INITIALIZED", "RUNNING", "TUNER_NO_MORE_TRIAL")
_ENDED = ("ERROR", "STOPPING", "STOPPED")


class TrialModelSpace(SimplifiedModelSpace):
    """NNI's model of a trial, recorded with its blocks by label: ``tbd1``, ``tbd2``, ...

    NNI 3.0 records them under ``sample``, which its web UI does not read: it shows no columns, and
    ``[object Object]`` on axes. Exports list them from the top level.
    """

    def _dump(self) -> dict[str, Any]:
        sample = to_sample(from_sample(self.sample or {}))
        return {**super()._dump(), **sample, _WEB_UI_KEY: sample}


class _Channel(TunerCommandChannel):
    """NNI's channel, which drops the tuner commands of a resume: they would end its thread.

    It ends silently with the manager; ``TrialEngine`` reports that.
    """

    def _receive(self) -> tuple[Any, Any]:
        try:
            command, content = super()._receive()
            while command in _TUNER_COMMANDS:
                command, content = super()._receive()
            return command, content
        except (OSError, ConnectionClosed):
            return None, None


class TrialEngine(TrainingServiceExecutionEngine):
    """NNI's engine that submits models as trials."""

    def __init__(self, experiment: Any) -> None:
        training_service.TunerCommandChannel = _Channel  # NNI's engine creates its own
        super().__init__(experiment)

    def budget_available(self) -> bool:
        """Whether NNI's limits allow more trials; false after the experiment's ``stop()``.

        Raises ``RuntimeError`` if the manager has failed or ended unexpectedly: NNI would wait
        forever, or regard the search as finished.
        """
        experiment, status = self.nodejs_binding, "STOPPED"
        if experiment.port is None:
            return False
        with suppress(requests.ConnectionError):
            status = experiment.get_status()
        if status in _ENDED:
            log = experiment._checkpoint_directory.with_name("log") / "nnimanager.log"
            raise RuntimeError(
                f"NNI's manager has ended; see {log} for the reason, and resume() the experiment "
                f"{experiment.id} to continue"
            )
        return status in _ACTIVE

    def wait_models(self, *models: ExecutableModelSpace) -> None:
        """Wait until ``models`` have ended; without any, wait for all models with started trials.

        For the latter, NNI's method returns when the manager knows that the trials have ended,
        which is before the models are updated. Raises ``RuntimeError`` if the manager has failed.
        """
        if self.nodejs_binding.port is None:
            return
        super().wait_models(*models)
        while not models and not all(model.status.completed() for model in self._started()):
            self.budget_available()  # raises if the manager has failed
            time.sleep(0.1)

    def _started(self) -> Iterator[ExecutableModelSpace]:
        for job in self.nodejs_binding.list_trial_jobs():
            model = self._find_reference_model(job.hyperParameters[0].parameter_id)
            if model is not None:
                yield model


def results_of(jobs: Iterable[Any]) -> dict[Architecture, Metrics | None]:
    """The metrics of trials that have ended; ``None`` for those that failed."""
    results: dict[Architecture, Metrics | None] = {}
    for job in jobs:
        blocks = from_sample(job.hyperParameters[0].parameters["sample"])
        results[blocks] = job.finalMetricData[0].data if job.finalMetricData else None
    return results
