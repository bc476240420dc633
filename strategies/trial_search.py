"""A search as an NNI strategy that evaluates every architecture in a trial."""

from collections.abc import Callable, Iterator
from typing import Any

from nni.nas.execution import ExecutionEngine
from nni.nas.space import ExecutableModelSpace
from nni.nas.strategy import Strategy

from autosnn_nni.strategies.generations import Search
from autosnn_nni.strategies.history import History
from autosnn_nni.strategies.search_loop import Results, run_generations, trained_models


class TrialSearch(Strategy):
    """Runs ``search`` by generations, on NNI's training services or in this process.

    The experiment's evaluator reports ``default`` (the fitness), ``accuracy`` and ``spikes``.
    Failed trials are left out of the history. The search resumes from ``history`` if it is given;
    ``on_generation`` is called with the history after every generation.
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
        """Use the results of an earlier session: its generations are repeated without trials."""
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
        """Yield the evaluated architectures, fittest first, as frozen models with their metrics."""
        return trained_models(self.search, self.model_space, self.history, sort, limit)

    def state_dict(self) -> dict[str, Any]:
        """Nothing to store: the state is NNI's own record of the trials, always up to date."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to restore."""
