"""Stage 3: one architecture trained from scratch, then tested."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autosnn_nni.data import Splits
from autosnn_nni.evaluation import (
    Evaluation,
    calibration_batches,
    evaluate,
    plain_batches,
    recalibrated,
)
from autosnn_nni.evaluators import train_batches
from autosnn_nni.hyperparameters import Training
from autosnn_nni.search_spaces import (
    Description,
    NetworkConfig,
    SpikingNetwork,
    build_network,
    describe,
)
from autosnn_nni.training import make_classifier, make_trainer, resume_from, seeded


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, what it is, and what it does on the test split."""

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
        """The form of ``result.json``: plain JSON types."""
        config = self.config
        return {
            "space": config.space,
            "channels": config.channels,
            "timesteps": config.timesteps,
            **asdict(self.description),
            **asdict(self.test),
        }


def train_network(
    config: NetworkConfig,
    blocks: Sequence[str],
    data: Splits,
    training: Training,
    *,
    checkpoint: Path | None = None,
    about: Mapping[str, Any] = {},
    title: str = "Training",
) -> TrainedNetwork:
    """Train ``blocks`` on D_train with cutout (Section A.1.3) and test it.

    With a ``checkpoint`` every epoch is saved there and training goes on from it.
    """
    batches = train_batches(data, training, cutout=True)
    trainer = make_trainer(training, batches, title, checkpoint, about)
    with seeded(training.seed):
        network = build_network(config, blocks)
    module = make_classifier(training)
    module.set_model(network)
    trainer.fit(module, batches, **resume_from(checkpoint, about))
    return evaluate_on_test(network, config, blocks, data, training)


def evaluate_on_test(
    network: SpikingNetwork,
    config: NetworkConfig,
    blocks: Sequence[str],
    data: Splits,
    training: Training,
) -> TrainedNetwork:
    """Evaluate a trained network on the test split, batch norm's statistics recalibrated."""
    network = network.to(training.torch_device)
    calibrated = recalibrated(network, calibration_batches(data, training))
    result = evaluate(calibrated, plain_batches(data, data.test, training))
    config, blocks = config.stand_alone(blocks)
    return TrainedNetwork(calibrated, config, describe(calibrated, config, blocks), result)
