"""AutoSNN as one NNI strategy: stage 1 trains the supernet, stage 2 searches it."""

from collections.abc import Callable, Iterator

from nni.nas.execution.event import FinalMetricEvent, ModelEventType
from nni.nas.space import ModelStatus, RawFormatModelSpace

from autosnn_nni.search_spaces import Architecture, from_sample, to_sample
from autosnn_nni.strategies.fitness import Fitness
from autosnn_nni.strategies.history import Evaluated, History
from autosnn_nni.strategies.population import Metrics, SupernetEvaluator
from autosnn_nni.strategies.searches import Search
from autosnn_nni.strategies.supernet import UniformPaths


class AutoSNN(UniformPaths):
    """Single-path uniform sampling over the supernet, then a search of its subnets.

    The experiment's evaluator trains the supernet and gives the scorer of its subnets
    (:class:`SupernetEvaluator`). A ``history`` is gone on with; ``on_generation`` is called with it
    after every generation.
    """

    def __init__(
        self,
        search: Search,
        fitness: Fitness,
        *,
        seed: int = 0,
        history: History | None = None,
        on_generation: Callable[[History], object] = lambda history: None,
    ) -> None:
        super().__init__(seed)
        self.search = search
        self.fitness = fitness
        self.history = History() if history is None else history
        self.on_generation = on_generation

    def _run(self) -> None:
        super()._run()
        evaluator: SupernetEvaluator = self.model_space.evaluator
        self.scorer = evaluator.scorer(self.fitness)
        while self.history.generations < self.search.rounds:
            population = self.search.propose(self.choices, self.history)
            if not population:
                break
            self.history.extend(self._evaluate(population))
            self.on_generation(self.history)

    def _evaluate(self, population: list[Architecture]) -> list[Evaluated]:
        space = RawFormatModelSpace(self.supernet, self.scorer)
        metrics: dict[Architecture, Metrics] = {}

        def collect(event: FinalMetricEvent) -> None:
            metrics[from_sample(event.model.sample)] = event.metric

        self.engine.register_model_event_callback(ModelEventType.FinalMetric, collect)
        try:
            self.engine.submit_models(*(space.freeze(to_sample(one)) for one in population))
        finally:
            self.engine.unregister_model_event_callback(ModelEventType.FinalMetric, collect)
        generation = self.history.generations + 1
        return [_evaluated(blocks, metrics[blocks], generation) for blocks in population]

    def list_models(
        self, sort: bool = True, limit: int | None = None
    ) -> Iterator[RawFormatModelSpace]:
        """The evaluated architectures, fittest first, as frozen models with their metrics."""
        space = RawFormatModelSpace(self.supernet, self.scorer)
        ordered = self.history.top(len(self.history)) if sort else list(self.history)
        for one in ordered[:limit]:
            model = space.freeze(to_sample(one.blocks))
            model.metrics.final = one.fitness
            model.status = ModelStatus.Trained
            yield model


def _evaluated(blocks: Architecture, metrics: Metrics, generation: int) -> Evaluated:
    return Evaluated(blocks, metrics["accuracy"], metrics["spikes"], metrics["default"], generation)
