"""AutoSNN's searches under ``nnictl create``: ``tuner: {name: AutoSNN}`` once registered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autosnn_nni.errors import UserError
from autosnn_nni.manager.checks import check_run, tuner_search
from autosnn_nni.manager.client import Manager
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.search_state import searched
from autosnn_nni.strategies import Listed, SearchTuner


class AutoSNNTuner(SearchTuner):
    """A search by ``strategy``, or the ``best`` architectures of the run's own search.

    The run is the experiment's ``trialCodeDirectory``. ``options`` are those of the strategy:
    ``rounds``, ``population``, ``seed``, ... A manager that other machines can reach is refused,
    unless it is ``open_to_network``. Raises :class:`UserError` for arguments that can't be.
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
        """Check the experiment, which NNI has just started; raises :class:`UserError`."""
        manager = Manager.of_tuner()
        if manager.exposed() and not self.open_to_network:
            manager.stop()
            raise UserError(
                "NNI's manager is open to the network, and whoever reaches it can run code as you; "
                "use the platform local_autosnn, or set open_to_network in tuner.classArgs"
            )
        run = check_run(Path(manager.experiment()["trialCodeDirectory"]), search_space)
        if self.best is not None:
            self.search = fittest(run, self.best)
        super().update_search_space(search_space)


def fittest(run: RunDirectory, count: int) -> Listed:
    """The fittest architectures of the run's search; raises :class:`UserError` if it has none."""
    top = searched(run.path).top(count, run.settings.constraints)
    return Listed(tuple(one.blocks for one in top))
