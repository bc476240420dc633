"""A table as NNI's benchmark, for NNI's own strategies.

NNI's benchmarks import ``peewee``: ``pip install 'autosnn-nni[table]'``.
"""

from pathlib import Path
from typing import Any

import nni
from nni.nas.benchmark import BenchmarkEvaluator, BenchmarkModelSpace
from nni.nas.benchmark.space import SlimBenchmarkSpace

from autosnn_nni.nas.model_spaces import OwnSamples
from autosnn_nni.search_spaces import from_sample, labels
from autosnn_nni.strategies import Fitness
from autosnn_nni.table.scores import Scores
from autosnn_nni.table.table import Table, Tabular


@nni.trace  # NNI accepts only traced evaluators
class TableEvaluator(BenchmarkEvaluator):
    """Reports what a table knows of an architecture: ``default``, ``accuracy`` and ``spikes``.

    They are those on D_val after one training with ``seed``; ``default`` is the fitness. ``table``
    is a table, its name, or the path of its JSON file. The space of an experiment is a
    ``SpikingSpace`` with the same blocks, that of a strategy alone a :class:`TableSpace`.
    """

    def __init__(
        self, table: Tabular | str | Path, fitness: Fitness | None = None, seed: int = 0
    ) -> None:
        super().__init__()
        found = table if isinstance(table, Tabular) else Table(table)
        self.scores = Scores(found, Fitness() if fitness is None else fitness, seed)

    def default_space(self) -> SlimBenchmarkSpace:
        """NNI's choices of the table's space."""
        choices = self.scores.table.choices
        names = labels(len(choices))
        return SlimBenchmarkSpace(
            {name: nni.choice(name, list(one)) for name, one in zip(names, choices, strict=True)}
        )

    def evaluate(self, sample: Any) -> dict[str, float]:
        """Report the metrics of a sample to NNI, and return them."""
        metrics = dict(self.scores(from_sample(sample)))
        nni.report_final_result(metrics)
        return metrics


class TableSpace(OwnSamples, BenchmarkModelSpace):
    """NNI's model space of a table: ``TableSpace(TableEvaluator("SNN_1/fashion14"))``."""
