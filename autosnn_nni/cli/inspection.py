"""Inspecting a network: ``autosnn describe`` and ``autosnn evaluate``."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from autosnn_nni.cli.chosen import Chosen
from autosnn_nni.data import find_source
from autosnn_nni.energy import energies
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.supernet_scorer import SupernetScorer
from autosnn_nni.runs.trained import load_trained
from autosnn_nni.scoring.device import check_memory
from autosnn_nni.search_spaces import (
    Architecture,
    NetworkConfig,
    OperationCounter,
    SpikeCounter,
    SpikingNetwork,
    build_network,
    from_text,
    seeded,
)
from autosnn_nni.search_spaces import describe as describe_network
from autosnn_nni.search_spaces.memory import inference_memory
from autosnn_nni.training.trained import evaluate_on_test


def evaluate(trained: Path, text: str | None, machine: Machine) -> dict[str, Any]:
    """Test results of a run's retrained network, of a checkpoint, or of a supernet's path."""
    found = load_trained(trained, None if text is None else from_text(text), machine)
    tested = evaluate_on_test(found.network, found.config, found.blocks, found.data, found.scoring)
    return {**tested.to_json(), "milliseconds_per_image": 1000 * tested.test.seconds}


def describe(chosen: Chosen, dataset: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Describe an architecture; spikes are of untrained weights on random images."""
    info, blocks = find_source(dataset).info, chosen.blocks
    network_config = chosen.network(info, config)
    check_memory(inference_memory(network_config, 16, blocks), "cpu", "describing this network")
    with seeded(0):
        network = build_network(network_config, blocks)
        images = torch.rand(16, *info.shape)
        counter, operations = SpikeCounter(network), OperationCounter(network)
        with torch.no_grad(), counter, operations:
            network(images)
    measured = {
        "spikes": counter.spikes,
        **_operations(operations.synops, operations.macs),
        "spikes_measured_on": "untrained weights, 16 random images (--run uses a supernet's)",
    }
    return _description(network, network_config, dataset, blocks, measured)


def describe_in_run(path: Path, blocks: Architecture, machine: Machine) -> dict[str, Any]:
    """Describe an architecture; spikes are on D_val with the weights of the run's supernet."""
    run = load_run(path)
    scorer = SupernetScorer(run, machine)
    network = scorer.network(blocks)
    result = scorer.evaluate(network, operations=True)
    measured = {
        "spikes": result.spikes,
        **_operations(result.synops, result.macs),
        "accuracy": result.accuracy,
        "spikes_measured_on": f"D_val of {run.settings.dataset}, weights of {run.supernet}",
    }
    return _description(network, run.settings.network, run.settings.dataset, blocks, measured)


def _operations(synops: float, macs: float) -> dict[str, Any]:
    return {"synops": synops, "macs": macs, "energy": energies(synops, macs)}


def _description(
    network: SpikingNetwork,
    config: NetworkConfig,
    dataset: str,
    blocks: Architecture,
    measured: dict[str, Any],
) -> dict[str, Any]:
    config, blocks = config.stand_alone(blocks)
    fixed = {
        "dataset": dataset,
        "space": config.space,
        "channels": config.channels,
        "timesteps": config.timesteps,
        "neuron": config.neuron,
        "image": list(config.shape),
    }
    return {**fixed, **asdict(describe_network(network, config, blocks)), **measured}
