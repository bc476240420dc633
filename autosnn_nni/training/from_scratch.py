"""Stage 3: train one architecture from scratch and test it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback

from autosnn_nni.data import Splits
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.search_spaces import NetworkConfig, build_network, seeded
from autosnn_nni.training.batches import check_images, train_batches
from autosnn_nni.training.checkpoints import about_network
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.lightning import (
    make_classifier,
    make_trainer,
    resume_from,
    torch_left_alone,
)
from autosnn_nni.training.processes import check_main_guard
from autosnn_nni.training.trained import TrainedNetwork, evaluate_on_test


def train_network(
    config: NetworkConfig,
    blocks: Sequence[str],
    data: Splits,
    training: Training,
    scoring: Scoring | None = None,
    *,
    checkpoint: Path | None = None,
    about: Mapping[str, Any] | None = None,
    title: str = "Training",
    callbacks: Sequence[Callback] = (),
) -> TrainedNetwork:
    """Train ``blocks`` on D_train with cutout (Section A.1.3) and test it.

    ``scoring`` is by default ``training.scoring``. If ``checkpoint`` is given, every epoch is saved
    there, with what it is ``about``, and training resumes from it. Lightning's ``callbacks`` must
    not change the training. Raises :class:`UserError` if the network is for other images.
    """
    check_images(config, data.dataset)
    check_main_guard(training.devices)
    about = about_network(config, blocks) if about is None else about
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
