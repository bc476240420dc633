"""What the command line's commands do, and the tables they show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from autosnn_nni.checkpoints import load_checkpoint, load_network
from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.evaluation import calibration_batches, plain_batches, recalibrated
from autosnn_nni.evaluation import evaluate as evaluate_network
from autosnn_nni.files import read_json
from autosnn_nni.inputs import load_data, training_of
from autosnn_nni.machine import Machine
from autosnn_nni.pipeline import BASELINES, Pipeline
from autosnn_nni.plugins import load_plugin
from autosnn_nni.processes import torchrun_processes
from autosnn_nni.report import write_report
from autosnn_nni.retraining import evaluate_on_test
from autosnn_nni.run_directory import RunDirectory, join_run, load_run, locked, open_run
from autosnn_nni.search_spaces import (
    BLOCKS,
    MACROS,
    NEURONS,
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
from autosnn_nni.strategies import SEARCHES
from autosnn_nni.training import seeded

REGISTRIES: dict[str, Mapping[str, Any]] = {
    "spaces": MACROS,
    "blocks": BLOCKS,
    "neurons": NEURONS,
    "datasets": DATASETS,
    "strategies": SEARCHES,
}


def search(given: dict[str, Any], output: Path | None, machine: Machine) -> None:
    """All three stages, the report, and a table of the results."""
    _check_alone()
    path = output or _default_output(given)
    with locked(path):
        pipeline = Pipeline(open_run(path, given), machine)
        _check_no_training(pipeline.run)
        pipeline.search()
        pipeline.retrain()
        report = pipeline.report()
    show_results(pipeline.run, report)


def supernet(given: dict[str, Any], output: Path | None, machine: Machine) -> None:
    """Stage 1; of processes that torchrun has started, the first one writes."""
    path = output or _default_output(given)
    started = torchrun_processes()
    if started is not None and started.rank > 0:
        Pipeline(join_run(path, given), machine).supernet()
        return
    with locked(path):
        pipeline = Pipeline(open_run(path, given), machine)
        _check_no_training(pipeline.run)
        pipeline.supernet()
    n_avg = load_checkpoint(pipeline.run.supernet).n_avg
    _print(f"Supernet: {pipeline.run.supernet} (N_avg {n_avg:,.0f} spikes per image)")


def train(
    given: dict[str, Any],
    blocks: Architecture | None,
    best: Path | None,
    output: Path | None,
    machine: Machine,
) -> None:
    """Stage 3 of one architecture, given by its blocks or by a search's ``best.json``."""
    _check_alone()
    if (blocks is None) == (best is None):
        raise UserError("name the architecture either by --blocks or by --architecture")
    if best is not None:
        blocks, fixed = _read_architecture(best)
        given = {**fixed, **given}
    path = output or Path("runs/train")
    with locked(path):
        if (path / "supernet.ckpt").exists():
            raise UserError(f"{path} is of a search; name another --output")
        pipeline = Pipeline(open_run(path, given), machine)
        _check_same(pipeline.run, blocks or ())
        pipeline.train(blocks or ())
        report = pipeline.report()
    show_results(pipeline.run, report)


def architecture(text: str | None) -> Architecture | None:
    """The blocks of ``--blocks`` where it is given."""
    return None if text is None else from_text(text)


def _read_architecture(path: Path) -> tuple[Architecture, dict[str, Any]]:
    best = read_json(path)
    try:
        fixed = {key: best[key] for key in ("space", "channels", "timesteps")}
        return tuple(best["blocks"]), fixed
    except (KeyError, TypeError):
        raise UserError(f"{path} is not a search's best.json; it has no blocks") from None


def _check_same(run: RunDirectory, blocks: Architecture) -> None:
    """A folder holds one architecture: another must not go on from its weights."""
    if run.retrained.exists():
        there = load_checkpoint(run.retrained).blocks
        if there != blocks:
            raise UserError(
                f"{run.path} is of another architecture ({to_text(there)}); name another --output"
            )


def _check_no_training(run: RunDirectory) -> None:
    """A network that no search has found would be taken for its winner."""
    if run.retrained.exists() and not (run.supernet.exists() or run.best.exists()):
        raise UserError(f"{run.path} is of `autosnn train`; name another --output")


def _check_alone() -> None:
    if torchrun_processes() is not None:
        raise UserError("torchrun is for `autosnn supernet`; run this command without it")


def evaluate(
    trained: Path, blocks: Architecture | None, data_dir: Path | None, device: str
) -> dict[str, Any]:
    """Test results of a run's retrained network, of a checkpoint, or of a supernet's path."""
    path = trained
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


def describe(text: str, dataset: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of an architecture; spikes of untrained weights on random images."""
    info, blocks = DATASETS[dataset].info, from_text(text)
    network_config = NetworkConfig(shape=info.shape, classes=info.classes, **config)
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


def describe_in_run(path: Path, text: str, data_dir: Path | None) -> dict[str, Any]:
    """Counts of an architecture; spikes on D_val with the weights of the run's supernet."""
    run = load_run(path)
    blocks = run.settings.network.check(from_text(text))
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
    fixed = {
        "space": config.space,
        "channels": config.channels,
        "timesteps": config.timesteps,
        "neuron": config.neuron,
        "image": list(config.shape),
    }
    return {**fixed, **asdict(describe_network(network, blocks, config.shape)), **spikes}


def names(kind: str) -> Iterable[str]:
    """The registered names of a kind."""
    if kind not in REGISTRIES:
        raise UserError(f"unknown list {kind!r}; known: {', '.join(REGISTRIES)}")
    return REGISTRIES[kind]


def load_plugins(paths: Sequence[Path]) -> None:
    """Load the user's own files."""
    for path in paths:
        load_plugin(path)


def report(path: Path) -> None:
    """Write a run's report anew."""
    _print(f"Report: {write_report(path)}")


def _default_output(given: Mapping[str, Any]) -> Path:
    return Path("runs") / str(given.get("dataset", "digits"))


def show_results(run: RunDirectory, report: Path) -> None:
    """The trained networks side by side, and where the report is."""
    table = Table("architecture", title=f"Test split of {run.settings.dataset}")
    for column in ("accuracy", "spikes per image", "parameters"):
        table.add_column(column, justify="right")
    _add_result(table, run.result, "")
    for block in BASELINES:
        _add_result(table, run.baseline(block) / "result.json", f"{run.settings.space}, all ")
    Console().print(table)
    _print(f"Report: {report}")


def _add_result(table: Table, path: Path, prefix: str) -> None:
    if not path.exists():
        return
    result = read_json(path)
    blocks = dict.fromkeys(result["blocks"]) if prefix else result["blocks"]
    table.add_row(
        prefix + to_text(list(blocks)),
        f"{100 * result['accuracy']:.2f} %",
        f"{result['spikes']:,.0f}",
        f"{result['parameters']:,}",
    )


def show_evaluation(result: Mapping[str, Any]) -> None:
    """Accuracy and spikes, per layer too."""
    _print(
        f"{to_text(result['blocks'])}: {100 * result['accuracy']:.2f} % test accuracy, "
        f"{result['spikes']:,.1f} spikes per image ({result['neuron_spikes']:,.1f} of neurons), "
        f"firing rate {result['firing_rate']:.3f}"
    )
    table = Table("layer", "kind")
    for column in ("neurons", "spikes per image", "firing rate"):
        table.add_column(column, justify="right")
    for layer in result["layers"]:
        numbers = (
            f"{layer['neurons']:,}",
            f"{layer['spikes']:,.1f}",
            f"{layer['firing_rate']:.3f}",
        )
        table.add_row(layer["name"], layer["kind"], *numbers)
    Console().print(table)


def show_description(result: Mapping[str, Any]) -> None:
    """Stages and counts."""
    table = Table("stage", "block", title=f"{result['space']}, C = {result['channels']}")
    table.add_column("output", justify="right")
    for stage in result["stages"]:
        side = f" x {stage['size']} x {stage['size']}" if stage["size"] > 1 else ""
        table.add_row(stage["name"], stage["block"], f"{stage['out_channels']}{side}")
    Console().print(table)
    _print(f"Parameters: {result['parameters']:,}")
    _print(f"Neurons: {result['neurons']:,} (and {result['pool_outputs']:,} max-pool outputs)")
    _print(f"Spikes per image: {result['spikes']:,.1f} ({result['spikes_measured_on']})")
    if "accuracy" in result:
        _print(f"Accuracy there: {100 * result['accuracy']:.2f} %")


def _print(line: str) -> None:
    Console().print(line, highlight=False, soft_wrap=True)
