"""What is known of networks and of the names that options take."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from autosnn_nni.architectures import Chosen
from autosnn_nni.checkpoints import load_checkpoint, load_network
from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.evaluation import calibration_batches, plain_batches, recalibrated
from autosnn_nni.evaluation import evaluate as evaluate_network
from autosnn_nni.inputs import load_data, training_of
from autosnn_nni.losses import LOSSES
from autosnn_nni.machine import Machine
from autosnn_nni.reproduce.recipes import recipe_names
from autosnn_nni.retraining import evaluate_on_test
from autosnn_nni.run_directory import RunDirectory, load_run
from autosnn_nni.search_spaces import (
    BLOCKS,
    MACROS,
    NETWORKS,
    NEURONS,
    OPERATIONS,
    Architecture,
    NetworkConfig,
    SpikeCounter,
    SpikingNetwork,
    build_network,
    from_text,
    to_text,
)
from autosnn_nni.search_spaces import describe as describe_network
from autosnn_nni.settings import Settings
from autosnn_nni.strategies import SAMPLINGS, SEARCHES
from autosnn_nni.training import seeded

_NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "spaces": lambda: [name for name, macro in MACROS.items() if macro.tbd_blocks],
    "blocks": lambda: BLOCKS,
    "operations": lambda: OPERATIONS,
    "networks": lambda: NETWORKS,
    "neurons": lambda: NEURONS,
    "datasets": lambda: DATASETS,
    "samplings": lambda: SAMPLINGS,
    "losses": lambda: LOSSES,
    "strategies": lambda: SEARCHES,
    "recipes": recipe_names,
}


def evaluate(trained: Path, text: str | None, data_dir: Path | None, device: str) -> dict[str, Any]:
    """Test results of a run's retrained network, of a checkpoint, or of a supernet's path."""
    path, blocks = trained, None if text is None else from_text(text)
    if trained.is_dir():
        name = "supernet.ckpt" if blocks else "retrained.ckpt"
        path = load_run(trained).path / name
    checkpoint = load_checkpoint(path)
    run = RunDirectory(path.parent, Settings.from_json(checkpoint.settings))
    if checkpoint.kind == "supernet" and not blocks:
        raise UserError(f"{path} is a supernet; name one of its architectures by --blocks")
    if checkpoint.kind == "network" and blocks:
        raise UserError(f"{path} is one network ({to_text(checkpoint.blocks)}); leave out --blocks")
    chosen = run.settings.network.check(blocks or checkpoint.blocks)
    network = load_network(path, checkpoint, run.settings.network, chosen)
    training = training_of(run, 1, Machine(device=device))
    data = load_data(run, data_dir)
    return evaluate_on_test(network, run.settings.network, chosen, data, training).to_json()


def describe(chosen: Chosen, dataset: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of an architecture; spikes of untrained weights on random images."""
    info, blocks = DATASETS[dataset].info, chosen.blocks
    given = chosen.settings({key: value for key, value in config.items() if value is not None})
    defaults = {"space": "SNN_1", "timesteps": info.timesteps}
    network_config = NetworkConfig(shape=info.shape, classes=info.classes, **{**defaults, **given})
    with seeded(0):
        network = build_network(network_config, blocks)
        images = torch.rand(16, *info.shape)
        with torch.no_grad(), SpikeCounter(network) as counter:
            network(images)
    spikes = {
        "spikes": counter.spikes,
        "spikes_measured_on": "untrained weights, 16 random images (--run uses a supernet's)",
    }
    return _description(network, network_config, blocks, spikes)


def describe_in_run(path: Path, blocks: Architecture, data_dir: Path | None) -> dict[str, Any]:
    """Counts of an architecture; spikes on D_val with the weights of the run's supernet."""
    run = load_run(path)
    blocks = run.settings.network.check(blocks)
    supernet = load_checkpoint(run.supernet)
    network = load_network(run.supernet, supernet, run.settings.network, blocks)
    data, training = load_data(run, data_dir), training_of(run, 1, Machine())
    network = recalibrated(network.to(training.torch_device), calibration_batches(data, training))
    result = evaluate_network(network, plain_batches(data, data.val, training))
    spikes = {
        "spikes": result.spikes,
        "accuracy": result.accuracy,
        "spikes_measured_on": f"D_val of {run.settings.dataset}, weights of {run.supernet}",
    }
    return _description(network, run.settings.network, blocks, spikes)


def _description(
    network: SpikingNetwork, config: NetworkConfig, blocks: Architecture, spikes: dict[str, Any]
) -> dict[str, Any]:
    config, blocks = config.stand_alone(blocks)
    fixed = {
        "space": config.space,
        "channels": config.channels,
        "timesteps": config.timesteps,
        "neuron": config.neuron,
        "image": list(config.shape),
    }
    return {**fixed, **asdict(describe_network(network, config, blocks)), **spikes}


def names(kind: str) -> Iterable[str]:
    """The registered names of a kind."""
    if kind not in _NAMES:
        raise UserError(f"unknown list {kind!r}; known: {', '.join(_NAMES)}")
    return _NAMES[kind]()
