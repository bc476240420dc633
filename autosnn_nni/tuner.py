"""NNI tuner with AutoSNN's searches: ``tuner: {name: AutoSNN}``, once it is registered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.manager.checks import check_run, tuner_search
from autosnn_nni.manager.client import Manager
from autosnn_nni.mapping import fitting_of
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.search_state import searched
from autosnn_nni.strategies import Listed, SearchTuner


class AutoSNNTuner(SearchTuner):
    """Runs a search with ``strategy``, or proposes the ``best`` architectures of the run's search.

    The run is the experiment's ``trialCodeDirectory``. ``options`` are those of the strategy:
    ``rounds``, ``population``, ``seed``, ... If other machines can reach NNI's manager, the
    experiment is refused unless ``open_to_network`` is set. Raises :class:`UserError` for invalid
    arguments.
    """

    def __init__(
        self,
        strategy: str = "evolution",
        best: int | None = None,
        open_to_network: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(tuner_search(strategy, best, **options))
        self.best = best
        self.open_to_network = open_to_network

    def update_search_space(self, search_space: Mapping[str, Mapping[str, Any]]) -> None:
        """Check the experiment that NNI has just started; raises :class:`UserError` if invalid."""
        manager = Manager.of_tuner()
        if manager.exposed() and not self.open_to_network:
            manager.stop()
            raise UserError(
                "NNI's manager is open to the network: anyone who reaches it can run code as you; "
                "use the platform local_autosnn, or set open_to_network in tuner.classArgs"
            )
        run = check_run(Path(manager.experiment()["trialCodeDirectory"]), search_space)
        if self.best is not None:
            self.search = fittest(run, self.best)
        elif run.settings.chip is not None:
            self.search = self.search.only(fitting_of(run.settings))
        super().update_search_space(search_space)


def fittest(run: RunDirectory, count: int) -> Listed:
    """The fittest architectures of the run's search; raises :class:`UserError` without a search."""
    top = searched(run.path).top(count, run.settings.constraints)
    return Listed(tuple(one.blocks for one in top))
