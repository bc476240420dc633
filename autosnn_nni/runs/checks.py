"""What a run needs, checked before anything is written; see :func:`plan_run` for its settings.

Every function raises :class:`UserError` if something is missing or wrong.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.runs.directory import RunDirectory, repeated
from autosnn_nni.runs.inputs import load_supernet, make_space
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.picking import feasible
from autosnn_nni.runs.run_files import BASELINES, NetworkFiles
from autosnn_nni.runs.search_state import load_history
from autosnn_nni.runs.settings import Settings
from autosnn_nni.scoring import device as scoring_device
from autosnn_nni.scoring.device import torch_device
from autosnn_nni.search_spaces import MACROS, Architecture, timesteps_name
from autosnn_nni.search_spaces.memory import training_memory
from autosnn_nni.search_spaces.probe import probe_candidates
from autosnn_nni.strategies import SAMPLINGS, History
from autosnn_nni.training.checkpoints import check_same_network, load_checkpoint
from autosnn_nni.training.processes import count_processes, torchrun_processes


def check_machine(machine: Machine) -> None:
    """Check that the devices are there."""
    device = torch_device(machine.device)
    count_processes(machine.devices)
    if device == "cuda" and torchrun_processes() is None:
        found = torch.cuda.device_count()
        if machine.devices > found:
            raise UserError(
                f"--devices {machine.devices}: torch finds only {found} here; use fewer"
            )


def check_memory(
    run: RunDirectory, machine: Machine, blocks: Architecture | None, images: int = 2
) -> None:
    """Check that the training of the supernet, or of ``blocks``, fits into memory.

    A batch has at most so many ``images``.
    """
    settings, device = run.settings, torch_device(machine.device)
    needed = training_memory(settings.network, min(settings.batch_size, images), blocks)
    processes = machine.devices if device == "cpu" else 1
    scoring_device.check_memory(processes * needed, device, "training")


def check_blocks(run: RunDirectory, blocks: Architecture | None = None) -> None:
    """Try the blocks that plugins bring: all candidates, or those of one architecture."""
    config = run.settings.network
    if blocks is not None:
        config = replace(config, candidates=tuple(dict.fromkeys(blocks)))
    probe_candidates(config)


def check_sampling(run: RunDirectory, machine: Machine) -> None:
    """Check that the supernet can be trained by so many processes."""
    sampling = run.settings.sampling
    several = count_processes(machine.devices) > 1
    if several and SAMPLINGS[sampling](make_space(run)).per_step > 1:
        raise UserError("several processes need --sampling uniform; use it or a single process")


def check_val_images(run: RunDirectory, data: Splits) -> None:
    """Check that D_val has so many images; a run that was begun with more is left alone."""
    wanted, count = run.settings.val_images, len(data.val)
    if run.settings_file.exists() and "search" not in repeated(run):
        return
    if wanted is not None and wanted > count:
        raise UserError(
            f"{data.dataset.name} cannot be searched on {wanted} images of D_val; choose from 1 to "
            f"{count}"
        )


def check_supernet(run: RunDirectory) -> None:
    """Check the supernet that is there already."""
    if run.supernet.exists():
        load_supernet(run)


def check_search(run: RunDirectory) -> None:
    """Check the search that is there already, finished or not."""
    if is_searched(run):
        if run.closest.exists():
            return
        best = run.read_best()
        try:
            run.settings.network.check((*best["blocks"], timesteps_name(best["timesteps"])))
        except (KeyError, TypeError):
            raise UserError(f"{run.best} is broken; restore it or start a new run") from None
        return
    if run.settings.needs_supernet:
        check_supernet(run)
    if "search" not in repeated(run):
        history = load_history(run)
        if run.searched():  # with other constraints
            _check_feasible(run, history)


def check_baselines(run: RunDirectory) -> None:
    """Check that the space has the blocks of the baselines, if they are wanted."""
    space = run.settings.space
    for block in BASELINES if run.settings.baselines else ():
        if block not in MACROS[space].blocks:
            raise UserError(f"{space} has no {block} for a baseline; give --no-baselines")


def check_trained(run: RunDirectory) -> None:
    """Check the networks whose training is to be resumed."""
    if "retrain" not in repeated(run):
        for files in run.networks():
            check_checkpoint(files)


def check_checkpoint(files: NetworkFiles) -> None:
    """Check the checkpoint from which a training is to be resumed."""
    if files.retrained.exists() and not files.result.exists():
        load_checkpoint(files.retrained)


def check_resumed(files: NetworkFiles, about: Mapping[str, Any]) -> None:
    """Check that the checkpoint, if there is one, is of the network in ``about``."""
    if files.retrained.exists():
        found = load_checkpoint(files.retrained)
        check_same_network(files.retrained, found, about, Settings.before())


def is_searched(run: RunDirectory) -> bool:
    """Whether the search is done and need not be repeated."""
    return run.searched() and "choice" not in repeated(run)


def _check_feasible(run: RunDirectory, history: History) -> None:
    """Check that the next choice has a winner, before the last one is moved away."""
    try:
        feasible(history, run.settings.constraints)
    except UserError as error:
        raise UserError(
            f"{error}; {run.path} is left as it is: change the constraints or use "
            f"autosnn train --from {run.path} --pick ..."
        ) from None
