"""``autosnn`` on the command line.

Exit codes: 0 done, 2 what the user gave is wrong (one line says what and what to do), 1 anything
else. ``--debug`` shows the traceback. Commands are imported when they are run: torch and NNI take
seconds, and help and usage errors need neither.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from autosnn_nni.cli.memory import keep_freed_memory
from autosnn_nni.cli.options import with_settings
from autosnn_nni.errors import UserError
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.settings import STAGES

#: What typer returns for Ctrl-C.
_INTERRUPTED = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Output = Annotated[Path | None, typer.Option(help="The run's folder [default: runs/DATASET]")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with the data set's files")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Devices = Annotated[int, typer.Option(help="Processes that train together, one per device")]
CacheMemory = Annotated[
    str, typer.Option(help="What the search keeps of one generation for the next: 500M, 0 for none")
]
Blocks = Annotated[str | None, typer.Option(help="One block per TBD block: SRB_k5,skip,...")]
Network = Annotated[str | None, typer.Option(help="A network, by name: CIFARNet-Fang, ...")]
Run = Annotated[Path, typer.Argument(help="A run's folder")]


@app.callback()
def autosnn(
    debug: Annotated[bool, typer.Option("--debug", help="Show an error's traceback")] = False,
) -> None:
    """Search for energy-efficient spiking neural networks (AutoSNN, ICML 2022) on NNI."""


@app.command()
@with_settings(*STAGES)
def search(
    given: dict[str, Any],
    data_dir: DataDir = None,
    device: Device = "auto",
    devices: Devices = 1,
    output: Output = None,
    cache_memory: CacheMemory = "1G",
) -> None:
    """Train a supernet, search it, retrain the winner, report; again: go on where it was left."""
    from autosnn_nni.cli import commands

    commands.search(given, output, Machine(data_dir, device, devices, cache_memory))


@app.command()
@with_settings(*STAGES)
def supernet(
    given: dict[str, Any],
    data_dir: DataDir = None,
    device: Device = "auto",
    devices: Devices = 1,
    output: Output = None,
) -> None:
    """Train the supernet only; `autosnn search` with the same output goes on from it."""
    from autosnn_nni.cli import commands

    commands.supernet(given, output, Machine(data_dir, device, devices))


@app.command()
@with_settings(*STAGES)
def train(
    given: dict[str, Any],
    blocks: Blocks = None,
    architecture: Annotated[Path | None, typer.Option(help="A search's best.json")] = None,
    network: Network = None,
    pick: Annotated[
        str | None,
        typer.Option(help="Of a search: knee, fittest, 'spikes<80K' or 'accuracy>0.9'"),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", help="The run that --pick or --blocks are of [default: runs/DATASET]"
        ),
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    devices: Devices = 1,
    output: Annotated[
        Path | None, typer.Option(help="The run's folder [default: runs/train]")
    ] = None,
) -> None:
    """Train one network from scratch and test it."""
    from autosnn_nni.cli import commands
    from autosnn_nni.cli.chosen import choose

    run = from_ or (commands.default_output(given) if pick else None)
    chosen = choose(blocks, architecture, network, pick, run)
    commands.train(given, chosen, output, Machine(data_dir, device, devices))


@app.command()
def evaluate(
    trained: Annotated[Path, typer.Argument(help="A run's folder or a checkpoint")],
    blocks: Blocks = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Test accuracy and spikes of trained weights; with --blocks, of a path of a supernet."""
    from autosnn_nni.cli import inspection, tables

    result = inspection.evaluate(trained, blocks, Machine(data_dir, device))
    print_json(result) if json_ else tables.show_evaluation(result)


@app.command()
def describe(
    blocks: Blocks = None,
    network: Network = None,
    space: Annotated[
        str | None, typer.Option(help="Macro architecture, by name [default: SNN_1]")
    ] = None,
    channels: Annotated[int, typer.Option(help="Initial channel C")] = 16,
    timesteps: Annotated[
        int | None, typer.Option(help="Timesteps T [default: the data set's own]")
    ] = None,
    neuron: Annotated[str, typer.Option(help="PLIF, LIF, IF or ANN")] = "PLIF",
    dataset: Annotated[str, typer.Option(help="Whose image size and classes")] = "CIFAR10",
    run: Annotated[
        Path | None, typer.Option(help="Count spikes on D_val with this run's supernet")
    ] = None,
    plugin: Annotated[list[Path] | None, typer.Option(help="Python file with blocks")] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Parameters, neurons and spikes of a network."""
    from autosnn_nni.cli import inspection, tables
    from autosnn_nni.cli.chosen import choose
    from autosnn_nni.plugins import load_plugins

    load_plugins(plugin or [])
    chosen = choose(blocks, None, network)
    if run is not None:
        result = inspection.describe_in_run(run, chosen.blocks, Machine(data_dir, device))
    else:
        config = {"space": space, "timesteps": timesteps, "channels": channels, "neuron": neuron}
        result = inspection.describe(chosen, dataset, config)
    print_json(result) if json_ else tables.show_description(result)


@app.command("list")
def list_(
    kind: Annotated[str, typer.Argument(help="spaces, blocks, networks, neurons, ...")],
    plugin: Annotated[list[Path] | None, typer.Option(help="Python file with more")] = None,
) -> None:
    """The names that options take."""
    from autosnn_nni.cli.names import names
    from autosnn_nni.plugins import load_plugins

    load_plugins(plugin or [])
    for name in names(kind):
        Console().print(name, highlight=False)


@app.command()
def reproduce(
    names: Annotated[list[str], typer.Argument(help="Recipes (table1, ...), YAML files, or all")],
    scale: Annotated[
        str, typer.Option(help="full: the paper's; small: hours on two cores; smoke: seconds")
    ] = "small",
    output: Annotated[Path, typer.Option(help="Folder of all results")] = Path("runs/reproduce"),
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the data, or with a folder for each data set")
    ] = None,
    device: Device = "auto",
) -> None:
    """Run the paper's tables and figures; again: go on where they were left."""
    from autosnn_nni.cli.reproduce import reproduce_all

    reproduce_all(names, scale, output, Machine(data_dir, device))


@app.command()
def trust(
    runs: Annotated[
        list[Path], typer.Argument(help="A run's folder; others are judged by the same trainings")
    ],
    sample: Annotated[int, typer.Option(help="Architectures to train from scratch")] = 30,
    data_dir: DataDir = None,
    device: Device = "auto",
    devices: Devices = 1,
) -> None:
    """Measure how far a supernet's ranking can be trusted; again: go on where it was left."""
    from autosnn_nni.cli import commands

    commands.trust(runs, sample, Machine(data_dir, device, devices))


@app.command()
def report(run: Run) -> None:
    """Write a run's report.html, figures and tables anew."""
    from autosnn_nni.cli import commands

    commands.report(run)


@app.command()
def view(
    run: Run,
    port: Annotated[int, typer.Option(help="The page's port")] = 8080,
    listen: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in")] = "127.0.0.1",
) -> None:
    """Show every architecture that a run's search has evaluated in NNI's web UI."""
    from autosnn_nni.manager.view import view

    view(run, port, listen)


@app.command()
def trial(
    run: Annotated[Path, typer.Argument(help="The run whose supernet scores")] = Path(),
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Train the architecture instead")
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(help="With --from-scratch [default: the run's own]")
    ] = None,
    lambda_: Annotated[
        float | None, typer.Option("--lambda", help="Of the fitness [default: the run's own]")
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
) -> None:
    """Evaluate one architecture as a trial of NNI: the trialCommand of a configuration."""
    from autosnn_nni.nas.trial import run_trial

    machine = Machine(data_dir, device)
    run_trial(run, machine, lambda_, scratch=from_scratch, epochs=epochs)


@app.command()
def register() -> None:
    """Make NNI know the tuner AutoSNN and the platforms local_autosnn and remote_autosnn."""
    from autosnn_nni.manager import registration

    typer.echo(f"NNI knows AutoSNN now, by its files in {registration.register()}")


@app.command()
def unregister() -> None:
    """Make NNI forget them; to be done before the package is uninstalled."""
    from autosnn_nni.manager import registration

    typer.echo(f"NNI has forgotten AutoSNN, in {registration.unregister()}")


def print_json(value: Any) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def main() -> None:
    """Entry point: errors become one line and an exit code."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    keep_freed_memory()
    try:
        command = typer.main.get_command(app)
        code = command.main(arguments or ["--help"], "autosnn", standalone_mode=False)
        if code == _INTERRUPTED:
            code = _say("stopped; the same command goes on from here", 1)
        sys.exit(code or 0)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sys.exit(_explain(error))


def _explain(error: Exception) -> int:
    if isinstance(error, UserError):
        return _say(str(error), 2)
    if hasattr(error, "format_message"):  # typer's own, such as an unknown option
        return _say(error.format_message(), 2)
    if isinstance(error, OSError):
        return _say(f"{error.strerror or error}: {error.filename or 'files'}", 2)
    return _say(f"{type(error).__name__}: {error}; --debug shows where", 1)


def _say(message: str, code: int) -> int:
    line = " ".join(message.split())
    sys.stderr.write(f"autosnn: {line}\n")
    return code
