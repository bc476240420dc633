"""A search as an NNI strategy whose every evaluation is a trial."""

from collections.abc import Callable, Iterator
from typing import Any

from nni.nas.execution import ExecutionEngine
from nni.nas.space import ExecutableModelSpace
from nni.nas.strategy import Strategy

from autosnn_nni.strategies.generations import Search
from autosnn_nni.strategies.history import History
from autosnn_nni.strategies.search_loop import Results, run_generations, trained_models


class TrialSearch(Strategy):
    """``search``, generation by generation, on NNI's training services or in this process.

    The experiment's evaluator reports ``default`` (the fitness), ``accuracy`` and ``spikes``. A
    trial that dies is left out of the ``history``; one that is given is gone on with.
    ``on_generation`` is called with it after every generation.
    """

    def __init__(
        self,
        search: Search,
        *,
        history: History | None = None,
        on_generation: Callable[[History], object] = lambda history: None,
    ) -> None:
        super().__init__()
        self.search = search
        self.history = History() if history is None else history
        self.on_generation = on_generation
        self._known: Results = {}

    def recall(self, results: Results) -> None:
        """Take over an earlier session's results: its generations are repeated without trials."""
        self._known = results

    def _initialize(
        self, model_space: ExecutableModelSpace, engine: ExecutionEngine
    ) -> ExecutableModelSpace:
        return model_space

    def _run(self) -> None:
        run_generations(
            self.search,
            self.model_space,
            self.engine,
            self.history,
            self.on_generation,
            self._known,
        )

    def list_models(self, sort: bool = True, limit: int | None = None) -> Iterator[Any]:
        """The evaluated architectures, fittest first, as frozen models with their metrics."""
        return trained_models(self.search, self.model_space, self.history, sort, limit)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: NNI's own record of the trials is the state, and is never behind."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to restore."""
