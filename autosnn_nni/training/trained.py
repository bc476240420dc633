"""A trained network and its results on the test split. Importing this does not import Lightning."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autosnn_nni.data import Splits
from autosnn_nni.scoring.batches import Scoring, calibration_batches, plain_batches
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.scoring.evaluation import Evaluation, evaluate
from autosnn_nni.search_spaces import Description, NetworkConfig, SpikingNetwork, describe


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, its description, and its results on the test split."""

    network: SpikingNetwork
    config: NetworkConfig
    description: Description
    test: Evaluation

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
        return {
            "space": config.space,
            "channels": config.channels,
            "timesteps": config.timesteps,
            **asdict(self.description),
            **test,
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
    return TrainedNetwork(calibrated, config, describe(calibrated, config, blocks), result)
