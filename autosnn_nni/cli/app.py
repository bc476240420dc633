"""The ``autosnn`` command line.

Exit codes: 0 success, 2 invalid input (one line says what is wrong and what to do), 128 and the
number of the signal that has stopped it, such as 130 for Ctrl-C, and 1 for any other error.
``--debug`` shows the traceback. Commands are imported when they are run: importing torch and
NNI takes seconds, and help and usage errors need neither.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from autosnn_nni.cli.console import be_tolerant, print_json
from autosnn_nni.cli.options import check_unset, with_settings
from autosnn_nni.cli.signals import Stop, stoppable
from autosnn_nni.cli.table import table
from autosnn_nni.errors import UserError
from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.settings import STAGES
from autosnn_nni.training.processes import torchrun_processes

#: Commands that resume when they are run again.
_RESUMABLE = ("search", "supernet", "train", "trust", "report", "compare", "reproduce", "table")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(table, name="table", help="Train every architecture of a space, and ask the table.")

Output = Annotated[Path | None, typer.Option(help="The run's folder [default: runs/DATASET]")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with the data set's files")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Devices = Annotated[int, typer.Option(help="Data-parallel training processes, one per device")]
CacheMemory = Annotated[
    str, typer.Option(help="Memory to cache activations between generations: 500M, 0 for none")
]
Blocks = Annotated[str | None, typer.Option(help="One block per TBD block: SRB_k5,skip,...")]
Network = Annotated[str | None, typer.Option(help="Name of a network: CIFARNet-Fang, ...")]
Run = Annotated[Path, typer.Argument(help="A run's folder")]
# Of a network that no run has.
Space = Annotated[str | None, typer.Option(help="Name of the macro architecture [default: SNN_1]")]
Channels = Annotated[int | None, typer.Option(help="Initial number of channels C [default: 16]")]
Timesteps = Annotated[
    int | None, typer.Option(help="Number of timesteps T [default: the data set's]")
]
Neuron = Annotated[str | None, typer.Option(help="PLIF, LIF, IF or ANN [default: PLIF]")]
Dataset = Annotated[
    str | None, typer.Option(help="Data set for image size and classes [default: CIFAR10]")
]


@app.callback(invoke_without_command=True)
def autosnn(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show an error's traceback")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With --version: also show what it runs on")
    ] = False,
) -> None:
    """Search for energy-efficient spiking neural networks (AutoSNN, ICML 2022) on NNI."""
    if version:
        from autosnn_nni.cli.versions import show_versions

        show_versions(verbose=verbose)
        raise typer.Exit
    if verbose:
        raise UserError("--verbose goes with --version")
    if context.invoked_subcommand is None:
        context.fail("Missing command.")


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
    """Train a supernet, search it, retrain the winner and report. Run it again to resume."""
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
    """Train only the supernet. `autosnn search` with the same --output continues from there."""
    from autosnn_nni.cli import commands

    commands.supernet(given, output, Machine(data_dir, device, devices))


@app.command()
@with_settings(*STAGES)
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
) -> None:
    """Train one network from scratch and test it."""
    from autosnn_nni.cli import commands
    from autosnn_nni.cli.chosen import choose

    run = from_ or (commands.default_output(given) if pick else None)
    chosen = choose(blocks, architecture, network, pick, run)
    commands.train(given, chosen, output, Machine(data_dir, device, devices))


@app.command()
def evaluate(
    trained: Annotated[
        Path | None, typer.Argument(help="A run's folder or a checkpoint", show_default=False)
    ] = None,
    blocks: Blocks = None,
    network: Network = None,
    pretrained: Annotated[
        str | None,
        typer.Option(help="Data set: test the --network's weights that come with the package"),
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Test trained weights: accuracy and spikes. With --blocks, test a path of a supernet."""
    from autosnn_nni.cli import inspection, tables
    from autosnn_nni.cli import pretrained as package

    machine = Machine(data_dir, device)
    if trained is not None:
        check_unset("a run has its own weights", network=network, pretrained=pretrained)
        result = inspection.evaluate(trained, blocks, machine)
    elif network is not None and pretrained is not None:
        check_unset("the network has its own blocks", blocks=blocks)
        result = package.evaluate_pretrained(network, pretrained, machine)
    else:
        raise _no_weights()
    if json_:
        print_json(result)
        return
    tables.show_evaluation(result)
    if trained is None:
        package.show_documented(result)


@app.command()
def predict(
    trained: Annotated[Path, typer.Argument(help="A run's folder or a checkpoint")],
    images: Annotated[
        list[Path], typer.Argument(help="Pictures of any size, or .npy files of images or events")
    ],
    blocks: Blocks = None,
    data_dir: DataDir = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON list")] = False,
) -> None:
    """Classify single pictures: votes by timestep, spikes and energy."""
    from autosnn_nni.cli import predict as prediction

    found = prediction.predict(trained, images, blocks, data_dir)
    print_json(found) if json_ else prediction.show(found)


def _no_weights() -> UserError:
    return UserError(
        "Missing argument: a run's folder or a checkpoint, or --network and --pretrained "
        "(autosnn list pretrained)"
    )


@app.command()
def export(
    trained: Annotated[
        Path | None, typer.Argument(help="A run's folder or a checkpoint", show_default=False)
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="nir, or another one of `autosnn list formats`")
    ] = "nir",
    blocks: Blocks = None,
    network: Network = None,
    pretrained: Annotated[
        str | None,
        typer.Option(help="Data set: export the --network's weights that come with the package"),
    ] = None,
    bits: Annotated[
        int | None, typer.Option(help="Round the weights to so many bits, and test the network")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the files [default: export in the run's folder]")
    ] = None,
    plugin: Annotated[
        list[Path] | None, typer.Option(help="Python file that registers a format")
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
) -> None:
    """Write a trained network for other tools. With --blocks, write a path of a supernet."""
    from autosnn_nni.cli import export as exports
    from autosnn_nni.export import EXPORTS
    from autosnn_nni.plugins import load_plugins

    load_plugins(plugin or [])
    write, machine = EXPORTS[format_], Machine(data_dir, device)
    if trained is not None:
        check_unset("a run has its own weights", network=network, pretrained=pretrained)
        found = exports.of_run(trained, blocks, machine)
        folder = (trained.parent if trained.is_file() else trained) / "export"
    elif network is not None and pretrained is not None:
        check_unset("the network has its own blocks", blocks=blocks)
        found, folder = exports.of_package(network, pretrained, machine), Path("export")
    else:
        raise _no_weights()
    if bits is not None:
        found = exports.quantise(found, bits)
    exports.show(write(found, output or folder))


@app.command("check-export")
def check_export(
    folder: Annotated[Path, typer.Argument(help="Folder that autosnn export has written")],
) -> None:
    """Compare the spikes that another tool has recorded with those of the network itself.

    The exit code is 1 if any spike differs.
    """
    from autosnn_nni.cli.export import check

    if not check(folder):
        raise typer.Exit(1)


@app.command()
def describe(
    blocks: Blocks = None,
    network: Network = None,
    space: Space = None,
    channels: Channels = None,
    timesteps: Timesteps = None,
    neuron: Neuron = None,
    dataset: Dataset = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Measure spikes on D_val with this run's supernet and settings"),
    ] = None,
    plugin: Annotated[
        list[Path] | None, typer.Option(help="Python file that registers blocks")
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Show the parameters, neurons and spikes of a network."""
    from autosnn_nni.cli import inspection, tables
    from autosnn_nni.cli.chosen import choose
    from autosnn_nni.plugins import load_plugins

    load_plugins(plugin or [])
    chosen = choose(blocks, None, network)
    config = {"space": space, "channels": channels, "timesteps": timesteps, "neuron": neuron}
    if run is not None:
        check_unset("--run has its own settings", network=network, dataset=dataset, **config)
        result = inspection.describe_in_run(run, chosen.blocks, Machine(data_dir, device))
    else:
        other = None if device in ("auto", "cpu") else device
        check_unset("it has no effect without --run", data_dir=data_dir, device=other)
        result = inspection.describe(chosen, dataset or "CIFAR10", config)
    print_json(result) if json_ else tables.show_description(result)


@app.command()
def fits(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder: its trained network, or its search's winner")
    ] = None,
    chip: Annotated[
        str | None, typer.Option(help="speck, loihi, ... [default: a line for each]")
    ] = None,
    blocks: Blocks = None,
    network: Network = None,
    space: Space = None,
    channels: Channels = None,
    timesteps: Timesteps = None,
    neuron: Neuron = None,
    dataset: Dataset = None,
    plugin: Annotated[
        list[Path] | None, typer.Option(help="Python file that registers chips or blocks")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Tell which chips a network fits, and if not, why.

    The exit code is 1 if it does not fit the chip that is named.
    """
    from autosnn_nni.cli import fits as command
    from autosnn_nni.cli.chosen import choose
    from autosnn_nni.plugins import load_plugins

    load_plugins(plugin or [])
    config = {"space": space, "channels": channels, "timesteps": timesteps, "neuron": neuron}
    if run is not None:
        check_unset("the run has its own settings", network=network, dataset=dataset, **config)
        subject = command.of_run(run, blocks)
    else:
        chosen = choose(blocks, None, network)
        subject = command.of_settings(chosen, dataset or "CIFAR10", config)
    found = command.fits(subject, chip)
    print_json(command.to_json(found)) if json_ else command.show(subject, found, chip)
    if chip is not None and not found[chip].fits:
        raise typer.Exit(1)


@app.command("list")
def list_(
    kind: Annotated[str, typer.Argument(help="spaces, blocks, networks, neurons, ...")],
    plugin: Annotated[
        list[Path] | None, typer.Option(help="Python file that registers more")
    ] = None,
) -> None:
    """List the names that options accept."""
    from autosnn_nni.cli.console import say
    from autosnn_nni.cli.names import names
    from autosnn_nni.plugins import load_plugins

    load_plugins(plugin or [])
    for name in names(kind):
        say(name)


@app.command("check-plugin")
def check_plugin_(
    plugin: Annotated[Path, typer.Argument(help="Python file that registers something")],
) -> None:
    """Try everything that a plugin registers, piece by piece."""
    from autosnn_nni.cli.check_plugin import check_plugin

    if not check_plugin(plugin):
        raise UserError(f"plugin {plugin} has pieces that can't be used; see the table above")


@app.command()
def reproduce(
    names: Annotated[list[str], typer.Argument(help="Recipes (table1, ...), YAML files, or all")],
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


@app.command()
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
    from autosnn_nni.cli import commands

    machine = Machine(data_dir, device, devices)
    if table is None:
        commands.trust(
            runs, 30 if sample is None else sample, 2 if seeds is None else seeds, machine
        )
    elif sample is None and seeds is None:
        commands.trust_table(runs, table, machine)
    else:
        raise UserError(
            "--table has its own architectures and seeds; leave --sample and --seeds out"
        )


@app.command()
def report(run: Run) -> None:
    """Rewrite a run's report, figures and tables."""
    from autosnn_nni.cli.report import report as write

    write(run)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of two runs or more")],
    output: Annotated[Path, typer.Option(help="The page; its table is next to it, as CSV")] = Path(
        "compare.html"
    ),
) -> None:
    """Compare runs on one page: fronts, winners, settings that differ, costs, seeds."""
    from autosnn_nni.cli.compare import compare as write

    write(runs, output)


@app.command()
def view(
    run: Run,
    port: Annotated[int, typer.Option(help="Port of the web UI")] = 8080,
    listen: Annotated[
        str, typer.Option(help="Address; 0.0.0.0 lets other machines connect")
    ] = "127.0.0.1",
) -> None:
    """Show the architectures evaluated by a run's search in NNI's web UI."""
    from autosnn_nni.manager.view import view

    view(run, port, listen)


@app.command()
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


@app.command()
def register() -> None:
    """Register AutoSNN with NNI: its tuner, and platforms local_autosnn and remote_autosnn."""
    from autosnn_nni.manager import registration

    typer.echo(f"registered AutoSNN with NNI in {registration.register()}")


@app.command()
def unregister() -> None:
    """Remove the registration from NNI. Run this before uninstalling the package."""
    from autosnn_nni.manager import registration

    typer.echo(f"removed AutoSNN from NNI in {registration.unregister()}")


def main() -> None:
    """Entry point; turns errors and signals into one line and an exit code."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    command = arguments[0] if arguments else "--help"
    keep_freed_memory()
    be_tolerant()
    # A shell script's background ignores Ctrl-C, which is how a view is closed.
    with stoppable(_farewell(command), always=command == "view") as stop:
        code = _run(arguments or [command], stop)
    sys.exit(code)


def _farewell(command: str) -> str:
    """What the command says when a signal has stopped it: nothing in torchrun's other processes."""
    started = torchrun_processes()
    if started is not None and started.rank > 0:
        return ""
    again = "; run the same command again to resume" if command in _RESUMABLE else ""
    return f"autosnn: stopped{again}\n"


def _run(arguments: list[str], stop: Stop) -> int:
    try:
        command = typer.main.get_command(app)
        return command.main(arguments, "autosnn", standalone_mode=False) or 0
    except Exception as error:
        if "--debug" in sys.argv or stop.number is not None:
            raise
        return _report_error(error)


def _report_error(error: Exception) -> int:
    if isinstance(error, UserError):
        return _say(str(error), 2)
    if hasattr(error, "format_message"):  # errors of typer, such as an unknown option
        return _say(error.format_message(), 2)
    if isinstance(error, OSError):
        what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        return _say(f"{what}; check the path, its permissions and the free space", 2)
    if isinstance(error, MemoryError) or "allocate" in str(error):  # also torch's own errors
        return _say("out of memory; use fewer --channels, --timesteps or a smaller --batch-size", 1)
    return _say(f"{type(error).__name__}: {error}; --debug shows the traceback", 1)


def _say(message: str, code: int) -> int:
    line = " ".join(message.split())
    sys.stderr.write(f"autosnn: {line}\n")
    return code
