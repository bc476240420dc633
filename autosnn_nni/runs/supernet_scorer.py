"""Scoring architectures with weights inherited from a run's trained supernet."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autosnn_nni.data import Splits
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import load_supernet, make_space, scoring_of
from autosnn_nni.runs.kept_data import load_kept_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.scoring.batches import Batch, Scoring, calibration_batches, val_batches
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.scoring.evaluation import Evaluation, evaluate, measure
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.search_spaces import Architecture, SpikingNetwork, to_sample
from autosnn_nni.strategies import Measurements
from autosnn_nni.training.checkpoints import Checkpoint, load_network


@dataclass(frozen=True)
class SupernetScorer:
    """Scores architectures on the run's D_val as its search does, one by one or together.

    ``data`` is read if it is not given. Raises :class:`UserError` if the run has no supernet, or
    one of another network.
    """

    run: RunDirectory
    machine: Machine
    data: Splits | None = None

    @cached_property
    def supernet(self) -> Checkpoint:
        """The trained supernet."""
        return load_supernet(self.run)

    def network(self, blocks: Sequence[str]) -> SpikingNetwork:
        """The architecture's network with its inherited weights, batch norm recalibrated."""
        config = self.run.settings.network
        network = load_network(self.run.supernet, self.supernet, config, config.check(blocks))
        return recalibrated(network.to(self._scoring.torch_device), self._calibration)

    def evaluate(self, network: SpikingNetwork, *, operations: bool = False) -> Evaluation:
        """Evaluate the ``network`` of an architecture on D_val."""
        return evaluate(network, self._val, operations=operations)

    def measure(self, blocks: Sequence[str]) -> Measurements:
        """Measure one architecture on D_val, as a search does."""
        return measure(self.network(blocks), self._val, timed=self.run.settings.timed)

    def evaluate_population(self, architectures: Sequence[Architecture]) -> list[Measurements]:
        """Measure every architecture on D_val, in order; common prefixes are computed once."""
        supernet = make_space(self.run).network
        supernet.load_state_dict(self.supernet.weights)
        scorer = PopulationScorer(
            supernet.to(self._scoring.torch_device),
            self._val,
            self._calibration,
            self.machine.cache_bytes,
        )
        return scorer.evaluate([to_sample(blocks) for blocks in architectures])

    @property
    def _scoring(self) -> Scoring:
        return scoring_of(self.run, self.machine)

    @cached_property
    def _data(self) -> Splits:
        return self.data or load_kept_data(self.run, self.machine)

    @cached_property
    def _val(self) -> list[Batch]:
        return val_batches(self._data, self._scoring)

    @cached_property
    def _calibration(self) -> list[Batch]:
        return calibration_batches(self._data, self._scoring)
