"""``autosnn export`` and ``autosnn check-export``."""

from collections.abc import Iterable
from pathlib import Path

import h5py
import nir
from rich.table import Table

from autosnn_nni.cli.console import console, say
from autosnn_nni.data import load_dataset
from autosnn_nni.errors import UserError
from autosnn_nni.export import Exported, compare
from autosnn_nni.export.formats import NIR_RECORDING
from autosnn_nni.export.recording import network_of
from autosnn_nni.pretrained import load_pretrained
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.trained import load_trained
from autosnn_nni.search_spaces import from_text


def of_run(path: Path, text: str | None, machine: Machine) -> Exported:
    """A run's retrained network, a checkpoint's, or with blocks a path of its supernet."""
    found = load_trained(path, None if text is None else from_text(text), machine)
    config, blocks = found.config.stand_alone(found.blocks)
    return Exported(found.calibrated().cpu(), config, blocks, found.data.dataset)


def of_package(network: str, dataset: str, machine: Machine) -> Exported:
    """A network whose weights come with the package."""
    found = load_pretrained(network, dataset)
    config, blocks = found.config.stand_alone(found.entry.blocks)
    data = load_dataset(dataset, machine.data_dir, max(config.timesteps_choice))
    return Exported(found.network, config, blocks, data)


def quantise(found: Exported, bits: int) -> Exported:
    """Round the weights to ``bits``, and say what that changes on the test split."""
    rounded = found.quantised(bits)
    before, after = found.tested(), rounded.tested()
    say(
        f"With {bits} bits: {100 * after.accuracy:.2f} % test accuracy and {after.spikes:,.0f} "
        f"spikes per image, before {100 * before.accuracy:.2f} % and {before.spikes:,.0f}"
    )
    return rounded


def show(paths: Iterable[Path]) -> None:
    """Say where the files of an export are."""
    for path in paths:
        say(f"{path} ({path.stat().st_size / 1024:,.0f} KiB)")


def check(folder: Path) -> bool:
    """Compare recordings in ``folder`` with the export's; whether all spikes are the same."""
    own = folder / NIR_RECORDING
    if not own.is_file():
        raise UserError(f"{folder} has no {NIR_RECORDING}; make it with autosnn export")
    others = [path for path in sorted(folder.glob("*.nir")) if path != own and _is_recording(path)]
    if not others:
        raise UserError(
            f"{folder} has no other recording; let a reader write its spikes to it with "
            "nir.write_data, as reader.nir for example"
        )
    recorded, same = nir.read_data(own), True
    for path in others:
        _check_same_network(own, path)
        try:
            found = compare(recorded, nir.read_data(path))
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        table = Table("node", title=f"{path.name} against {NIR_RECORDING}")
        for column in ("spikes", "differing", "of"):
            table.add_column(column, justify="right")
        for one in found:
            table.add_row(one.name, f"{one.spikes:,}", f"{one.differing:,}", f"{one.places:,}")
        console().print(table)
        differing, places = sum(one.differing for one in found), sum(one.places for one in found)
        say(f"{path.name}: {differing:,} of {places:,} differ ({100 * differing / places:.3g} %)")
        same = same and not differing
    return same


def _check_same_network(own: Path, other: Path) -> None:
    """Refuse the recording of another network; that of a reader need not say which it is of."""
    ids = {network_of(own), network_of(other)} - {""}
    if len(ids) > 1:
        raise UserError(f"{other} is of another network than {own.name}; run the reader again")


def _is_recording(path: Path) -> bool:
    try:
        with h5py.File(path) as file:
            return file.attrs.get("__type__") == "NIRGraphData"
    except OSError:
        return False
