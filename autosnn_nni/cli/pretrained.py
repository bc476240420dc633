"""Weights that come with the package: ``autosnn evaluate --network NAME --pretrained DATASET``."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autosnn_nni.cli.console import say
from autosnn_nni.data import load_dataset
from autosnn_nni.pretrained import load_pretrained
from autosnn_nni.pretrained.measuring import measure
from autosnn_nni.runs.machine import Machine
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.search_spaces import describe
from autosnn_nni.training.trained import TrainedNetwork


def evaluate_pretrained(network: str, dataset: str, machine: Machine) -> dict[str, Any]:
    """Test results of weights that come with the package, and the documented ones."""
    pretrained = load_pretrained(network, dataset)
    config, entry = pretrained.config, pretrained.entry
    scoring = Scoring(device=machine.device)
    loaded = pretrained.network.to(scoring.torch_device)
    data = load_dataset(dataset, machine.data_dir, max(config.timesteps_choice))
    # First: until a network has run once, its stem's batch norm is not folded.
    description = describe(loaded, config, entry.blocks)
    result = measure(loaded, data, scoring)
    tested = TrainedNetwork(loaded, config, description, result)
    return {
        "network": network,
        "dataset": dataset,
        **tested.to_json(),
        "milliseconds_per_image": 1000 * result.seconds,
        "documented": asdict(entry.test),
        "command": entry.command,
    }


def show_documented(result: Mapping[str, Any]) -> None:
    """Print what is documented of the weights, and how they were trained."""
    documented = result["documented"]
    say(
        f"Documented for {result['network']} on {result['dataset']}: "
        f"{100 * documented['accuracy']:.2f} % test accuracy, "
        f"{documented['spikes']:,.1f} spikes per image"
    )
    say(f"Trained with: {result['command']}")
