"""Commands for one network: test it, use it, write it for other tools, look at it."""

from pathlib import Path
from typing import Annotated

import typer

from autosnn_nni.cli.commands.arguments import (
    Blocks,
    Channels,
    DataDir,
    Dataset,
    Device,
    Json,
    MaybeTrained,
    Network,
    Neuron,
    Space,
    Timesteps,
    Trained,
    no_weights,
)
from autosnn_nni.cli.commands.help import Commands
from autosnn_nni.cli.console import print_json
from autosnn_nni.cli.names import completion
from autosnn_nni.cli.options import check_unset
from autosnn_nni.runs.machine import Machine

commands = Commands()


@commands.command()
def evaluate(
    trained: MaybeTrained = None,
    blocks: Blocks = None,
    network: Network = None,
    pretrained: Annotated[
        str | None,
        typer.Option(help="Data set: test the --network's weights that come with the package"),
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    json_: Json = False,
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
        raise no_weights()
    if json_:
        print_json(result)
        return
    tables.show_evaluation(result)
    if trained is None:
        package.show_documented(result)


@commands.command()
def predict(
    trained: Trained,
    images: Annotated[
        list[Path], typer.Argument(help="Pictures of any size, or .npy files of images or events")
    ],
    blocks: Blocks = None,
    data_dir: DataDir = None,
    json_: Json = False,
) -> None:
    """Classify single pictures: votes by timestep, spikes and energy."""
    from autosnn_nni.cli import predict as prediction

    found = prediction.predict(trained, images, blocks, data_dir)
    print_json(found) if json_ else prediction.show(found)


@commands.command()
def export(
    trained: MaybeTrained = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="nir, or another one of `autosnn list formats`",
            autocompletion=completion("formats"),
        ),
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
        raise no_weights()
    if bits is not None:
        found = exports.quantise(found, bits)
    exports.show(write(found, output or folder))


@commands.command("check-export")
def check_export(
    folder: Annotated[Path, typer.Argument(help="Folder that autosnn export has written")],
) -> None:
    """Compare the spikes that another tool has recorded with those of the network itself.

    The exit code is 1 if any spike differs.
    """
    from autosnn_nni.cli.export import check

    if not check(folder):
        raise typer.Exit(1)


@commands.command()
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
    json_: Json = False,
) -> None:
    """Show the parameters, neurons and spikes of a network."""
    from autosnn_nni.cli import inspection, tables
    from autosnn_nni.cli.chosen import choose
    from autosnn_nni.plugins import load_plugins

    load_plugins(plugin or [])
    chosen = choose(blocks, None, network, ways="--blocks or --network")
    config = {"space": space, "channels": channels, "timesteps": timesteps, "neuron": neuron}
    if run is not None:
        check_unset("--run has its own settings", network=network, dataset=dataset, **config)
        result = inspection.describe_in_run(run, chosen.blocks, Machine(data_dir, device))
    else:
        other = None if device in ("auto", "cpu") else device
        check_unset("it has no effect without --run", data_dir=data_dir, device=other)
        result = inspection.describe(chosen, dataset or "CIFAR10", config)
    print_json(result) if json_ else tables.show_description(result)


@commands.command()
def fits(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder: its trained network, or its search's winner")
    ] = None,
    chip: Annotated[
        str | None,
        typer.Option(
            help="speck, loihi, ... [default: a line for each]", autocompletion=completion("chips")
        ),
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
    json_: Json = False,
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
        ways = "a run's folder, --blocks or --network"
        chosen = choose(blocks, None, network, ways=ways)
        subject = command.of_settings(chosen, dataset or "CIFAR10", config)
    found = command.fits(subject, chip)
    print_json(command.to_json(found)) if json_ else command.show(subject, found, chip)
    if chip is not None and not found[chip].fits:
        raise typer.Exit(1)
