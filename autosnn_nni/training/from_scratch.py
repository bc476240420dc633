"""Stage 3: train one architecture from scratch and test it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback

from autosnn_nni.data import Splits
from autosnn_nni.scoring.batches import Scoring, calibration_batches, plain_batches
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.scoring.evaluation import Evaluation, evaluate
from autosnn_nni.search_spaces import (
    Description,
    NetworkConfig,
    SpikingNetwork,
    build_network,
    describe,
    seeded,
)
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.lightning import (
    make_classifier,
    make_trainer,
    resume_from,
    torch_left_alone,
)
from autosnn_nni.training.processes import check_main_guard


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


def train_network(
    config: NetworkConfig,
    blocks: Sequence[str],
    data: Splits,
    training: Training,
    scoring: Scoring | None = None,
    *,
    checkpoint: Path | None = None,
    about: Mapping[str, Any] = {},
    title: str = "Training",
    callbacks: Sequence[Callback] = (),
) -> TrainedNetwork:
    """Train ``blocks`` on D_train with cutout (Section A.1.3) and test it.

    ``scoring`` is by default ``training.scoring``. If ``checkpoint`` is given, every epoch is saved
    there and training resumes from it. Lightning's ``callbacks`` must not change the training.
    """
    check_main_guard(training.devices)
    batches = train_batches(data, training, cutout=True)
    trainer = make_trainer(training, batches, title, checkpoint, about)
    trainer.callbacks.extend(callbacks)
    with seeded(training.seed):
        network = build_network(config, blocks)
    module = make_classifier(training)
    module.set_model(network)
    with torch_left_alone():
        trainer.fit(module, batches, **resume_from(checkpoint, about))
    return evaluate_on_test(network, config, blocks, data, scoring or training.scoring)


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
