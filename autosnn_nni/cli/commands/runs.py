"""Commands that make a run, or continue it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from autosnn_nni.cli.commands.arguments import (
    Blocks,
    CacheMemory,
    DataDir,
    Device,
    Devices,
    LogLevel,
    Network,
    Output,
    Tensorboard,
)
from autosnn_nni.cli.commands.help import Commands
from autosnn_nni.cli.names import completion
from autosnn_nni.cli.options import with_settings
from autosnn_nni.errors import UserError
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.settings import OF_ONE_NETWORK, STAGES

commands = Commands()


@commands.command()
@with_settings(*STAGES)
def search(
    given: dict[str, Any],
    data_dir: DataDir = None,
    device: Device = "auto",
    devices: Devices = 1,
    output: Output = None,
    cache_memory: CacheMemory = "1G",
    log_level: LogLevel = "info",
    tensorboard: Tensorboard = False,
) -> None:
    """Train a supernet, search it, retrain the best few and report. Run it again to resume."""
    from autosnn_nni.cli import stages

    machine = Machine(data_dir, device, devices, cache_memory, log_level, tensorboard)
    stages.search(given, output, machine)


@commands.command()
@with_settings(*STAGES)
def supernet(
    given: dict[str, Any],
    data_dir: DataDir = None,
    device: Device = "auto",
    devices: Devices = 1,
    output: Output = None,
    log_level: LogLevel = "info",
    tensorboard: Tensorboard = False,
) -> None:
    """Train only the supernet. `autosnn search` with the same --output continues from there."""
    from autosnn_nni.cli import stages

    machine = Machine(data_dir, device, devices, log_level=log_level, tensorboard=tensorboard)
    stages.supernet(given, output, machine)


@commands.command()
@with_settings(*STAGES, shown=OF_ONE_NETWORK)
def train(
    given: dict[str, Any],
    blocks: Blocks = None,
    architecture: Annotated[
        Path | None, typer.Option(help="A search's winner: its best.json")
    ] = None,
    network: Network = None,
    pick: Annotated[
        str | None,
        typer.Option(help="Pick from a search: knee, fittest, 'spikes<80K' or 'accuracy>0.9'"),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Run to pick from, or whose settings --blocks uses [default: runs/DATASET]",
        ),
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    devices: Devices = 1,
    output: Annotated[
        Path | None, typer.Option(help="The run's folder [default: runs/train]")
    ] = None,
    log_level: LogLevel = "info",
    tensorboard: Tensorboard = False,
) -> None:
    """Train one network from scratch and test it."""
    from autosnn_nni.cli import stages
    from autosnn_nni.cli.chosen import choose
    from autosnn_nni.plugins import load_plugins

    if network is not None:  # a plugin may bring it
        load_plugins(map(Path, given.get("plugins", ())))
    run = from_ or (stages.default_output(given) if pick else None)
    chosen = choose(blocks, architecture, network, pick, run)
    machine = Machine(data_dir, device, devices, log_level=log_level, tensorboard=tensorboard)
    stages.train(given, chosen, output, machine)


@commands.command()
def trust(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders; all are compared with the first one's sample")
    ],
    sample: Annotated[
        int | None, typer.Option(help="Number of architectures to train from scratch [default: 30]")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="Trainings of each; the ceiling of tau needs two [default: 2]"),
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Take the trainings from a table: its name, or its JSON file")
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    devices: Devices = 1,
) -> None:
    """Measure how well a supernet ranks architectures. Run it again to resume."""
    from autosnn_nni.cli import stages

    machine = Machine(data_dir, device, devices)
    if table is None:
        stages.trust(runs, 30 if sample is None else sample, 2 if seeds is None else seeds, machine)
    elif sample is None and seeds is None:
        stages.trust_table(runs, table, machine)
    else:
        raise UserError(
            "--table has its own architectures and seeds; leave --sample and --seeds out"
        )


@commands.command()
def reproduce(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Recipes (table1, ...), YAML files, or all", autocompletion=completion("recipes")
        ),
    ],
    scale: Annotated[
        str,
        typer.Option(
            help="full: as in the paper; medium: a day on two cores; small: hours; smoke: seconds"
        ),
    ] = "small",
    output: Annotated[Path, typer.Option(help="Folder for the results")] = Path("runs/reproduce"),
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the data, or with one folder per data set")
    ] = None,
    device: Device = "auto",
) -> None:
    """Reproduce the paper's tables and figures. Run it again to resume."""
    from autosnn_nni.cli.reproduce import reproduce_all

    reproduce_all(names, scale, output, Machine(data_dir, device))


@commands.command()
def trial(
    run: Annotated[Path, typer.Argument(help="Run whose supernet is used")] = Path(),
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Train from scratch instead")
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs with --from-scratch [default: the run's]")
    ] = None,
    lambda_: Annotated[
        float | None, typer.Option("--lambda", help="Lambda of the fitness [default: the run's]")
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
) -> None:
    """Evaluate one architecture as an NNI trial. Use it as trialCommand of a configuration."""
    from autosnn_nni.nas.trial import run_trial

    machine = Machine(data_dir, device)
    run_trial(run, machine, lambda_, scratch=from_scratch, epochs=epochs)
