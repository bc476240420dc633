"""``autosnn check-plugin``: what a plugin registers, tried piece by piece."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table
from rich.text import Text

from autosnn_nni.chips import CHIPS
from autosnn_nni.cli import check_training
from autosnn_nni.cli.console import console
from autosnn_nni.data import DATASETS, load_dataset
from autosnn_nni.energy import ENERGY
from autosnn_nni.errors import UserError
from autosnn_nni.export import EXPORTS
from autosnn_nni.mapping import fit_of
from autosnn_nni.numbers import format_joules
from autosnn_nni.plugins import load_plugin
from autosnn_nni.search_spaces import BLOCKS, MACROS, NEURONS, SURROGATES, NetworkConfig
from autosnn_nni.search_spaces.probe import SITES, probe
from autosnn_nni.search_spaces.probe_neuron import probe_neuron
from autosnn_nni.search_spaces.uncounted import uncounted
from autosnn_nni.strategies import (
    DISCOUNTING,
    OBJECTIVES,
    SAMPLINGS,
    SEARCHES,
    Choices,
    History,
    find_objective,
    make_search,
)
from autosnn_nni.testing.samples import MEASURED, exported
from autosnn_nni.training.losses import LOSSES
from autosnn_nni.training.schedules import SCHEDULES

_CHOICES = Choices([("skip", "SCB_k3", "SRB_k3")] * 3)


@dataclass(frozen=True)
class Finding:
    """What was found of one registered piece; ``error`` says why it is refused."""

    kind: str
    name: str
    note: str = ""
    error: str = ""


def check_plugin(path: Path) -> bool:
    """Print a line for everything that the plugin registers; whether all of it can be used.

    Raises :class:`UserError` if the file can't be loaded, or registers nothing.
    """
    before = {kind: set(registry) for kind, (registry, _) in _KINDS.items()}
    load_plugin(path)
    findings = [
        _tried(kind, name, check)
        for kind, (registry, check) in _KINDS.items()
        for name in registry
        if name not in before[kind]
    ]
    if not findings:
        raise UserError(f"plugin {path} registers nothing; see docs/how-to for examples")
    _show(path, findings)
    return not any(finding.error for finding in findings)


def _tried(kind: str, name: str, check: Callable[[str], str]) -> Finding:
    try:
        return Finding(kind, name, note=check(name))
    except UserError as error:
        return Finding(kind, name, error=str(error))
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        reason = str(error).strip().partition("\n")[0]
        return Finding(kind, name, error=f"{type(error).__name__}: {reason}")


def _block(name: str) -> str:
    habits = [probe(name, BLOCKS[name], "PLIF", site) for site in SITES]
    statistics = dict.fromkeys(buffer for one in habits for buffer in one.own_statistics)
    notes = []
    if statistics:
        notes.append(
            f"its {', '.join(statistics)} changes in training: architectures with it are scored "
            "alone, which takes longer"
        )
    if any(one.is_random for one in habits):
        notes.append("random in training; that is off when it is scored")
    if weights := dict.fromkeys(one for site in SITES for one in uncounted(BLOCKS[name], site)):
        notes.append(
            f"synops don't count its {', '.join(weights)}: no layer that is counted calls it"
        )
    return "; ".join(notes)


def _space(name: str) -> str:
    config = NetworkConfig(name, shape=(3, 32, 32), classes=10)
    if not config.macro.tbd_blocks:
        return f"a network made by hand: --network {name}"
    return f"{config.macro.tbd_blocks} TBD blocks, {config.size:,} architectures"


def _neuron(name: str) -> str:
    probe_neuron(name, NEURONS[name])
    return ""


def _dataset(name: str) -> str:
    dataset = load_dataset(name)
    return f"{len(dataset.train):,} training and {len(dataset.test):,} test images"


def _search(name: str) -> str:
    search = make_search(name, {"seed": 0})
    proposed = search.propose(_CHOICES, History())
    if len(set(proposed)) != len(proposed):
        raise UserError("its first generation has an architecture twice")
    return f"{len(proposed)} architectures in its first generation"


def _objective(name: str) -> str:
    objective = find_objective(name)
    value = objective.value(MEASURED)
    if not math.isfinite(value):
        raise UserError("its value for a network of which all is known is no finite number")
    return f"{objective.title}: {objective.text(value)} for 1,000 spikes"


def _energy(name: str) -> str:
    return f"{format_joules(ENERGY[name].joules(1.0, 0.0))} per synaptic operation"


def _chip(name: str) -> str:
    network = NetworkConfig("Speck", (1, 8, 8), classes=10, channels=8, neuron="IF")
    found = fit_of(network, ("skip",) * network.macro.tbd_blocks, name, pixels=True)
    return "a small network fits" if found.fits else f"not even skips fit: {found.problems[0]}"


def _format(name: str) -> str:
    with TemporaryDirectory() as folder:
        paths = EXPORTS[name](exported(), Path(folder))
        if missing := [path for path in paths if not path.is_file()]:
            raise UserError(f"it names {missing[0].name}, which it has not written")
    return ", ".join(path.name for path in paths)


_KINDS: Mapping[str, tuple[Mapping[str, Any], Callable[[str], str]]] = {
    "block": (BLOCKS, _block),
    "space": (MACROS, _space),
    "neuron": (NEURONS, _neuron),
    "surrogate": (SURROGATES, check_training.surrogate),
    "data set": (DATASETS, _dataset),
    "loss": (LOSSES, check_training.loss),
    "schedule": (SCHEDULES, check_training.schedule),
    "sampling": (SAMPLINGS, check_training.sampling),
    "discounting": (DISCOUNTING, check_training.discounting),
    "strategy": (SEARCHES, _search),
    "objective": (OBJECTIVES, _objective),
    "energy model": (ENERGY, _energy),
    "chip": (CHIPS, _chip),
    "format": (EXPORTS, _format),
}


def _show(path: Path, findings: list[Finding]) -> None:
    table = Table("kind", "name", "", "", title=Text(str(path)))
    for finding in findings:
        table.add_row(*map(Text, _cells(finding)))
    console().print(table)


def _cells(finding: Finding) -> Iterator[str]:
    yield from (finding.kind, finding.name)
    yield from ("refused", finding.error) if finding.error else ("ok", finding.note)
