"""A search as an NNI tuner, for trials that NNI's manager starts.

Trials report ``default`` (the fitness), ``accuracy`` and ``spikes``. The tuner uses the same search
object as an in-process search. It hands out whole generations; the next one starts when all trials
of the last one have ended.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition
from typing import Any

from nni.runtime.tuner_command_channel import CommandType
from nni.tuner import Tuner

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture, from_sample, in_order, to_sample
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.generations import Search, close_generation, next_generation
from autosnn_nni.strategies.history import LATE, History
from autosnn_nni.strategies.measurements import Metrics, are_metrics

Sample = dict[str, str]

_LOG = logging.getLogger(__name__)
_NO_METRICS = "trials must report default, accuracy and spikes, as autosnn's do"


class _MoreLater(list[Sample]):
    """Parameters of the ``asked`` number of which the others are sent later.

    NNI takes a shorter list for the end of the search: the experiment's status would be
    ``TUNER_NO_MORE_TRIAL`` between two generations.
    """

    def __init__(self, now: list[Sample], asked: int) -> None:
        super().__init__(now)
        self._asked = asked

    def __len__(self) -> int:
        return self._asked


class SearchTuner(Tuner):
    """NNI's tuner of ``search``.

    Failed trials are left out of the history. Results of an earlier session of the experiment, and
    imported results, count as evaluated, so a resumed search repeats its generations without
    running their trials again.
    """

    def __init__(self, search: Search) -> None:
        self.search = search
        self.choices = Choices()
        self.history = History()
        self._known: dict[Architecture, Metrics] = {}
        self._generation: list[Architecture] = []
        self._waiting: deque[Architecture] = deque()
        self._assigned: dict[int, Architecture] = {}
        self._running: set[int] = set()
        self._idle: deque[int] = deque()
        self._send: Callable[[int, Sample], object] = lambda identifier, sample: None
        self._changed = Condition()  # NNI reports results and ended trials on two threads

    def update_search_space(self, search_space: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the candidates of every label from NNI's ``searchSpace``."""
        labels = in_order(search_space)
        self.choices = Choices(tuple(search_space[label]["_value"]) for label in labels)

    def generate_multiple_parameters(
        self, parameter_id_list: list[int], **kwargs: Any
    ) -> list[Sample]:
        """Return what is left of the generation; the next one is sent when this one has ended."""
        with self._changed:
            self._send = kwargs["st_callback"]
            self._idle.extend(parameter_id_list)
            now = [sample for _, sample in self._start()]
            return _MoreLater(now, len(parameter_id_list)) if self._running else now

    def receive_trial_result(
        self, parameter_id: int, parameters: Sample, value: Metrics, **kwargs: Any
    ) -> None:
        """Store a trial's metrics; raises :class:`UserError` for other metrics.

        ``parameters`` are not used: if a generation ends while NNI 3.0 records that there is no
        trial for this id yet, that record replaces them.
        """
        if not are_metrics(value):
            raise UserError(_NO_METRICS)
        with self._changed:
            self._known[self._assigned[parameter_id]] = value
            self._changed.notify_all()

    def trial_end(self, parameter_id: int, success: bool, **kwargs: Any) -> None:
        """Mark a trial as ended; after a generation's last trial, start the next generation."""
        with self._changed:
            if parameter_id not in self._running:  # a user's own trial, from the web UI
                return
            blocks = self._assigned[parameter_id]
            if success:
                self._changed.wait_for(lambda: blocks in self._known, LATE)
            else:
                self._known.pop(blocks, None)
            self._running.remove(parameter_id)
            if self._waiting or self._running:
                return
            close_generation(self.history, self._generation, self._known)
            for identifier, sample in self._start():
                self._send(identifier, sample)
            if not self._running and not self._waiting:
                self._tell_the_end()

    def import_data(self, data: list[Any]) -> None:
        """Import results; NNI sends those of an experiment's earlier session.

        Other metrics are left out, with a line in the log: an error would come back whenever the
        experiment is resumed.
        """
        with self._changed:
            for trial in data:
                if are_metrics(trial["value"]):
                    self._known[from_sample(trial["parameter"])] = trial["value"]
                else:
                    _LOG.warning("left out %s: %s", trial, _NO_METRICS)
            self._changed.notify_all()

    def _start(self) -> list[tuple[int, Sample]]:
        """Assign waiting architectures to idle parameter ids."""
        if not self._waiting and not self._running:
            self._begin_generation()
        started = []
        while self._idle and self._waiting:
            identifier, blocks = self._idle.popleft(), self._waiting.popleft()
            self._assigned[identifier] = blocks
            self._running.add(identifier)
            started.append((identifier, to_sample(blocks)))
        return started

    def _tell_the_end(self) -> None:
        """Tell NNI, which has no call for it: the callback's owner, the dispatcher, sends it."""
        dispatcher = getattr(self._send, "__self__", None)
        if dispatcher is not None:
            dispatcher.send(CommandType.NoMoreTrialJobs, "")

    def _begin_generation(self) -> None:
        """Propose generations until one has unknown results."""
        while population := next_generation(self.search, self.choices, self.history):
            self._generation = population
            self._waiting.extend(blocks for blocks in population if blocks not in self._known)
            if self._waiting:
                return
            close_generation(self.history, population, self._known)
