"""A trained network and its results on the test split. Importing this does not import Lightning."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autosnn_nni.data import Splits
from autosnn_nni.energy import energies
from autosnn_nni.scoring.batches import Scoring, calibration_batches, plain_batches
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.scoring.evaluation import Evaluation, evaluate
from autosnn_nni.search_spaces import Description, NetworkConfig, SpikingNetwork, describe


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, its description, and its results on the test split.

    ``classes`` are the names of the classes, if they have any.
    """

    network: SpikingNetwork
    config: NetworkConfig
    description: Description
    test: Evaluation
    classes: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float:
        """Test accuracy as a fraction."""
        return self.test.accuracy

    @property
    def spikes(self) -> float:
        """Spikes per test image, summed over timesteps."""
        return self.test.spikes

    def to_json(self) -> dict[str, Any]:
        """Convert to the content of ``result.json``: plain JSON types."""
        config = self.config
        test = asdict(self.test)
        del test["seconds"]  # differ from run to run
        confusion = test.pop("confusion")
        named = {"classes": self.classes, "confusion": confusion} if self.classes else {}
        return {
            "space": config.space,
            "channels": config.channels,
            "timesteps": config.timesteps,
            **asdict(self.description),
            **test,
            **named,
            "energy": energies(self.test.synops, self.test.macs),
            "neurobench": self._neurobench(),
        }

    def _neurobench(self) -> dict[str, float]:
        """The metrics that NeuroBench defines (Yik et al. 2025), by its names.

        All neurons are updated at every timestep.
        """
        stored = [*self.network.parameters(), *self.network.buffers()]
        return {
            "Footprint": sum(one.numel() * one.element_size() for one in stored),
            "ParameterCount": self.description.parameters,
            "ActivationSparsity": 1 - self.test.firing_rate,
            "Effective_ACs": self.test.synops,
            "Effective_MACs": self.test.macs,
            "Dense": sum(one.dense for one in self.test.operations),
            "MembraneUpdates": self.description.neurons * self.config.timesteps_choice[0],
        }


def evaluate_on_test(
    network: SpikingNetwork,
    config: NetworkConfig,
    blocks: Sequence[str],
    data: Splits,
    scoring: Scoring,
) -> TrainedNetwork:
    """Evaluate a trained network on the test split, with recalibrated batch norm statistics."""
    network = network.to(scoring.torch_device)
    calibrated = recalibrated(network, calibration_batches(data, scoring))
    result = evaluate(calibrated, plain_batches(data, data.test, scoring), operations=True)
    config, blocks = config.stand_alone(blocks)
    description = describe(calibrated, config, blocks)
    return TrainedNetwork(calibrated, config, description, result, data.dataset.names)
