"""The trained network of a run, as the commands that use it load it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.runs.directory import RunDirectory, load_run
from autosnn_nni.runs.inputs import load_data, scoring_of
from autosnn_nni.runs.kept_plugins import find_plugins
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.runs.settings import Settings
from autosnn_nni.runs.status import DONE, status_of
from autosnn_nni.scoring.batches import Scoring, calibration_batches
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.search_spaces import Architecture, NetworkConfig, SpikingNetwork, to_text
from autosnn_nni.training.checkpoints import Checkpoint, load_checkpoint, load_network

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A network with trained weights, its settings, and the data it was trained on.

    ``config`` is that of its space. Batch norm has the statistics of training, with which no result
    is measured: see :meth:`calibrated`.
    """

    network: SpikingNetwork
    config: NetworkConfig
    blocks: Architecture
    data: Splits
    scoring: Scoring

    def calibrated(self) -> SpikingNetwork:
        """The network as it is tested: in eval mode, batch norm computed again on D_train."""
        network = self.network.to(self.scoring.torch_device)
        return recalibrated(network, calibration_batches(self.data, self.scoring)).eval()


def load_trained(path: Path, blocks: Sequence[str] | None, machine: Machine) -> Trained:
    """Load a run's retrained network, a checkpoint's, or with ``blocks`` a path of a supernet.

    A warning is logged if their training has not ended. Raises :class:`UserError` if there are no
    such weights, or not the data.
    """
    if not path.is_file() and path.suffix != ".ckpt":
        files = load_run(path)
        path = files.supernet if blocks else files.retrained
        if not path.exists():
            _check_done(files.path)
    checkpoint = load_checkpoint(path)
    run = RunDirectory(path.parent, _settings_of(path, checkpoint))
    if checkpoint.kind == "supernet" and not blocks:
        raise UserError(f"{path} is a supernet; name one of its architectures with --blocks")
    if checkpoint.kind == "network" and blocks:
        raise UserError(f"{path} is one network ({to_text(checkpoint.blocks)}); leave out --blocks")
    _warn_of_unfinished(path, checkpoint, run.settings)
    config = run.settings.network
    chosen = config.check(blocks or checkpoint.blocks)
    network = load_network(path, checkpoint, config, chosen)
    return Trained(network, config, chosen, load_data(run, machine), scoring_of(run, machine))


def _warn_of_unfinished(path: Path, checkpoint: Checkpoint, settings: Settings) -> None:
    epochs = settings.supernet_epochs if checkpoint.kind == "supernet" else settings.retrain_epochs
    if checkpoint.epochs < epochs:
        _LOG.warning(
            "%s was trained for %d of its %d epochs; run its command again to finish it",
            *(path, checkpoint.epochs, epochs),
        )


def _check_done(run: Path) -> None:
    """Refuse a run that has no such weights yet, and say why."""
    status = status_of(run)
    if status.unsatisfied:
        raise UserError(
            f"{run} has no winner: {status.doing}; train another with "
            f"autosnn train --from {run} --pick ..."
        )
    if status.state != DONE:
        wanted = "wait until it is" if status.works else "run its command again to finish it"
        raise UserError(f"{run} is not done ({status.doing}): {wanted}")


def _settings_of(path: Path, checkpoint: Checkpoint) -> Settings:
    """The settings in a checkpoint, of this version or an earlier one."""
    folders = (folder for folder in path.parents if RunFiles(folder).settings_file.exists())
    find_plugins(RunFiles(next(folders, path.parent)), checkpoint.settings)
    try:
        return Settings.from_json(checkpoint.settings)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
