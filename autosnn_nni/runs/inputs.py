"""Inputs of a run: its data, its supernet, and how it trains and scores networks."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from autosnn_nni.data import Splits, load_dataset, split
from autosnn_nni.errors import UserError
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.settings import Settings
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.training.checkpoints import Checkpoint, check_same_network, load_checkpoint
from autosnn_nni.training.hyperparameters import Training

if TYPE_CHECKING:
    from autosnn_nni.search_spaces import SpikingSpace


def load_data(run: RunDirectory, machine: Machine) -> Splits:
    """The run's data set, split by its seed."""
    settings = run.settings
    timesteps = max(settings.network.timesteps_choice)  # only events use it: a single number
    dataset = load_dataset(settings.dataset, machine.data_dir, timesteps, settings.size)
    return split(dataset, seed=settings.seed, images=settings.images)


def training_of(run: RunDirectory, epochs: int, machine: Machine) -> Training:
    """How the run's networks are trained, for ``epochs``."""
    settings = _settings_for(Training, run)
    board = run.tensorboard if machine.tensorboard else None
    return Training(
        epochs=epochs,
        device=machine.device,
        devices=machine.devices,
        tensorboard=board,
        **settings,
    )


def scoring_of(run: RunDirectory, machine: Machine) -> Scoring:
    """How the run's networks are scored."""
    return Scoring(device=machine.device, **_settings_for(Scoring, run))


def _settings_for(kind: type[Training] | type[Scoring], run: RunDirectory) -> dict[str, Any]:
    """The run's settings that are fields of ``kind``, by name."""
    settings = vars(run.settings)
    return {one.name: settings[one.name] for one in fields(kind) if one.name in settings}


def load_supernet(run: RunDirectory) -> Checkpoint:
    """The run's trained supernet.

    Raises :class:`UserError` if there is none, or if it has other settings than the run.
    """
    if not run.supernet.exists():
        raise UserError(
            f"{run.path} has no supernet; train it with autosnn supernet --output {run.path}"
        )
    checkpoint = load_checkpoint(run.supernet)
    check_same_network(run.supernet, checkpoint, about_supernet(run), Settings.before())
    return checkpoint


def about_supernet(run: RunDirectory) -> dict[str, Any]:
    """The metadata in the checkpoint of the run's supernet."""
    return {"kind": "supernet", "settings": run.settings.to_json(), "blocks": []}


def make_space(run: RunDirectory) -> "SpikingSpace":
    """NNI's model space of the run."""
    from autosnn_nni.search_spaces import SpikingSpace  # imported late: NNI's NAS takes a second

    config = vars(run.settings.network)
    return SpikingSpace(**config)
