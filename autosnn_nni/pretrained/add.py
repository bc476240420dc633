"""For maintainers: add the network of a finished run to the weights that come with the package.

    python -m autosnn_nni.pretrained.add runs/train

Run it where the package is installed editable: it writes into the package's folder.
"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.files import checksum, write_whole
from autosnn_nni.pretrained.index import (
    FOLDER,
    Entry,
    Measured,
    index_file,
    read_index,
    write_index,
)
from autosnn_nni.pretrained.measuring import measure
from autosnn_nni.pretrained.weights import weights_of
from autosnn_nni.runs.directory import RunDirectory, load_run
from autosnn_nni.runs.inputs import load_data, scoring_of
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import NETWORKS, Architecture, to_text
from autosnn_nni.training.checkpoints import load_checkpoint, load_network
from autosnn_nni.training.trained import evaluate_on_test

#: The tests check the results on so many of the first test images.
FIRST = 500

#: Settings that are not named in the command that trains the network.
_NOT_NAMED = {"plugins", "space", "candidates", "sampling", "supernet_epochs", "baselines"}


def add(path: Path, folder: Path = FOLDER, data_dir: Path | None = None) -> Entry:
    """Add the network of the finished run in ``path``; replaces weights of the same names.

    The network is tested again. Raises :class:`UserError` if it has other results than the run, no
    name, or needs a plugin.
    """
    found = load_run(path)
    result = found.read_result()
    checkpoint = load_checkpoint(found.retrained)
    run = RunDirectory(path, Settings.from_json(checkpoint.settings))
    settings, machine = run.settings, Machine(data_dir)
    if settings.plugins:
        raise UserError(f"{path} uses plugins, which the package does not have; train without them")
    name = _name(settings.space, checkpoint.blocks)
    network = load_network(found.retrained, checkpoint, settings.network, checkpoint.blocks)
    data, scoring = load_data(run, machine), scoring_of(run, machine)
    tested = evaluate_on_test(network, settings.network, checkpoint.blocks, data, scoring)
    test = Measured(len(data.test), result["accuracy"], result["spikes"])
    if not test.is_near(tested.accuracy, tested.spikes):
        raise UserError(
            f"{found.retrained} has {tested.accuracy:.2%} accuracy and {tested.spikes:,.0f} spikes "
            f"here, but {found.result.name} says {test.accuracy:.2%} and {test.spikes:,.0f}; "
            "train again"
        )
    first = measure(tested.network, data.dataset, scoring, FIRST)
    content, info = weights_of(tested.network), DATASETS[settings.dataset].info
    entry = Entry(
        network=name,
        dataset=settings.dataset,
        blocks=checkpoint.blocks,
        shape=info.shape,
        classes=info.classes,
        parameters=tested.description.parameters,
        mean=data.dataset.mean,
        std=data.dataset.std,
        test=test,
        first=Measured(min(FIRST, test.images), first.accuracy, first.spikes),
        command=_command(settings, name),
        settings=settings.to_json(),
        file=f"{name}_{settings.dataset}.pt",
        sha256=checksum(content),
    )
    _write(entry, content, folder)
    return entry


def _name(space: str, blocks: Architecture) -> str:
    for name, named in NETWORKS.items():
        if (named.space, named.blocks) == (space, blocks):
            return name
    raise UserError(
        f"no network is called {to_text(blocks)} in {space}; give it a name in "
        "search_spaces/networks.py"
    )


def _command(settings: Settings, network: str) -> str:
    """The command that trains the network again, with whatever defaults."""
    words = ["autosnn", "train", "--network", network]
    for name, value in settings.of_training().items():
        if name not in _NOT_NAMED and value is not None:
            words += ["--" + name.replace("_", "-"), str(value)]
    return shlex.join(words)


def _write(entry: Entry, content: bytes, folder: Path) -> None:
    """Write the weights, then the index that names them."""
    known = read_index(folder) if index_file(folder).exists() else ()
    names = (entry.network, entry.dataset)
    others = [one for one in known if (one.network, one.dataset) != names]
    write_whole(folder / entry.file, content)
    write_index([*others, entry], folder)


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run")],
    data_dir: Annotated[Path | None, typer.Option(help="Folder with the data set's files")] = None,
) -> None:
    """Add the network of a finished run to the weights that come with the package."""
    try:
        entry = add(run, data_dir=data_dir)
    except UserError as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(
        f"{FOLDER / entry.file}: {entry.test.accuracy:.2%} test accuracy, "
        f"{entry.test.spikes:,.1f} spikes per image"
    )


if __name__ == "__main__":
    typer.run(main)
