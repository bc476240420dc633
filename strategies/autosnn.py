"""AutoSNN as one NNI strategy: stage 1 trains the supernet, stage 2 searches it."""

from collections.abc import Callable, Iterator
from typing import Any

from nni.nas.space import RawFormatModelSpace

from autosnn_nni.strategies.fitness import Fitness
from autosnn_nni.strategies.generations import Search
from autosnn_nni.strategies.history import History
from autosnn_nni.strategies.population import SupernetEvaluator
from autosnn_nni.strategies.search_loop import run_generations, trained_models
from autosnn_nni.strategies.supernet import SinglePathOneShot


class AutoSNN(SinglePathOneShot):
    """Single-path one-shot training of the supernet, then a search of its subnets.

    The experiment's evaluator trains the supernet and provides the scorer of its subnets
    (:class:`SupernetEvaluator`). The search resumes from ``history`` if it is given;
    ``on_generation`` is called with the history after every generation.
    """

    def __init__(
        self,
        search: Search,
        fitness: Fitness,
        *,
        seed: int = 0,
        sampling: str = "uniform",
        history: History | None = None,
        on_generation: Callable[[History], object] = lambda history: None,
    ) -> None:
        super().__init__(seed, sampling)
        self.search = search
        self.fitness = fitness
        self.history = History() if history is None else history
        self.on_generation = on_generation

    def _run(self) -> None:
        super()._run()
        evaluator: SupernetEvaluator = self.model_space.evaluator
        self.scorer = evaluator.scorer(self.fitness)
        space = RawFormatModelSpace(self.supernet, self.scorer)
        run_generations(self.search, space, self.engine, self.history, self.on_generation)

    def list_models(self, sort: bool = True, limit: int | None = None) -> Iterator[Any]:
        """Yield the evaluated architectures, fittest first, as frozen models with their metrics."""
        space = RawFormatModelSpace(self.supernet, self.scorer)
        return trained_models(self.search, space, self.history, sort, limit)
