"""What a run computes on: its data, its supernet, and how its networks are trained."""

from pathlib import Path
from typing import Any

from autosnn_nni.checkpoints import Checkpoint, check_same_network, load_checkpoint
from autosnn_nni.data import Splits, load_dataset, split
from autosnn_nni.errors import UserError
from autosnn_nni.hyperparameters import Training
from autosnn_nni.machine import Machine
from autosnn_nni.run_directory import RunDirectory


def load_data(run: RunDirectory, folder: Path | None) -> Splits:
    """The run's data set, split by its seed."""
    settings = run.settings
    dataset = load_dataset(settings.dataset, folder, settings.timesteps)
    return split(dataset, seed=settings.seed, images=settings.images)


def training_of(run: RunDirectory, epochs: int, machine: Machine) -> Training:
    """How the run's networks are trained, for ``epochs``."""
    settings = run.settings
    return Training(
        epochs=epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        precision=settings.precision,
        seed=settings.seed,
        loss=settings.loss,
        spike_regularisation=settings.spike_regularisation,
        calibration_batches=settings.calibration_batches,
        val_images=settings.val_images,
        device=machine.device,
        devices=machine.devices,
    )


def load_supernet(run: RunDirectory) -> Checkpoint:
    """The run's trained supernet.

    Raises :class:`UserError` if there is none, or if it is not of the run's settings.
    """
    if not run.supernet.exists():
        raise UserError(
            f"{run.path} has no supernet; train it: autosnn supernet --output {run.path}"
        )
    checkpoint = load_checkpoint(run.supernet)
    check_same_network(run.supernet, checkpoint, about_supernet(run))
    return checkpoint


def about_supernet(run: RunDirectory) -> dict[str, Any]:
    """What the checkpoint of the run's supernet says of itself."""
    return {"kind": "supernet", "settings": run.settings.to_json(), "blocks": []}
