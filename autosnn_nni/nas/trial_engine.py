"""NNI's engine and models for trials, without what NNI 3.0 gets wrong in them."""

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

#: What NNI's web UI reads in place of a trial's parameters.
_SHOWN = "mutation_summary"

#: What the manager tells tuners after a resume: engines have no use for it.
_FOR_TUNERS = (CommandType.ImportData, CommandType.AddCustomizedTrialJob)

#: States of the manager.
_GOING_ON = ("INITIALIZED", "RUNNING", "TUNER_NO_MORE_TRIAL")
_OVER = ("ERROR", "STOPPING", "STOPPED")


class TrialModelSpace(SimplifiedModelSpace):
    """NNI's model of a trial, recorded with its blocks by label: ``tbd1``, ``tbd2``, ...

    NNI 3.0 records them below ``sample``, where its web UI doesn't look: no columns, and axes that
    read ``[object Object]``. At the top level they are what an export lists.
    """

    def _dump(self) -> dict[str, Any]:
        sample = to_sample(from_sample(self.sample or {}))
        return {**super()._dump(), **sample, _SHOWN: sample}


class _Channel(TunerCommandChannel):
    """NNI's channel, whose thread dies of commands that it doesn't know: every resume sends some.

    It ends in silence with the manager, of which ``TrialEngine`` tells.
    """

    def _receive(self) -> tuple[Any, Any]:
        try:
            command, content = super()._receive()
            while command in _FOR_TUNERS:
                command, content = super()._receive()
            return command, content
        except (OSError, ConnectionClosed):
            return None, None


class TrialEngine(TrainingServiceExecutionEngine):
    """NNI's engine that submits models as trials."""

    def __init__(self, experiment: Any) -> None:
        training_service.TunerCommandChannel = _Channel  # NNI's engine makes its own
        super().__init__(experiment)

    def budget_available(self) -> bool:
        """Whether NNI's limits let more trials begin; not after the experiment's ``stop()``.

        Raises ``RuntimeError`` when the manager has failed or ended otherwise: NNI would wait for
        ever, or take the search for finished.
        """
        experiment, status = self.nodejs_binding, "STOPPED"
        if experiment.port is None:
            return False
        with suppress(requests.ConnectionError):
            status = experiment.get_status()
        if status in _OVER:
            log = experiment._checkpoint_directory.with_name("log") / "nnimanager.log"
            raise RuntimeError(
                f"NNI's manager has ended; {log} says why, and resume() of the experiment "
                f"{experiment.id} goes on from here"
            )
        return status in _GOING_ON

    def wait_models(self, *models: ExecutableModelSpace) -> None:
        """Until ``models`` have ended; without any, all models whose trials have begun.

        For these NNI's own returns when the manager knows their ends, before the models do.
        """
        if self.nodejs_binding.port is None:
            return
        super().wait_models(*models)
        while not models and not all(model.status.completed() for model in self._begun()):
            time.sleep(0.1)

    def _begun(self) -> Iterator[ExecutableModelSpace]:
        for job in self.nodejs_binding.list_trial_jobs():
            model = self._find_reference_model(job.hyperParameters[0].parameter_id)
            if model is not None:
                yield model


def results_of(jobs: Iterable[Any]) -> dict[Architecture, Metrics | None]:
    """What trials that have ended have reported; ``None`` for those that failed."""
    results: dict[Architecture, Metrics | None] = {}
    for job in jobs:
        blocks = from_sample(job.hyperParameters[0].parameters["sample"])
        results[blocks] = job.finalMetricData[0].data if job.finalMetricData else None
    return results
