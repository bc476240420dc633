"""``autosnn fits``: which chips a network fits."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from autosnn_nni.chips import CHIPS
from autosnn_nni.cli.chosen import Chosen
from autosnn_nni.cli.console import console, say
from autosnn_nni.data import find_source
from autosnn_nni.errors import UserError
from autosnn_nni.mapping import Fit, fits_of, needed
from autosnn_nni.runs.directory import load_run
from autosnn_nni.search_spaces import (
    Architecture,
    NetworkConfig,
    from_text,
    timesteps_name,
    to_text,
)


@dataclass(frozen=True)
class Subject:
    """An architecture, its configuration, and whether it gets images or events."""

    config: NetworkConfig
    blocks: Architecture
    pixels: bool


def of_run(path: Path, text: str | None) -> Subject:
    """The trained network of a run, the winner of its search, or the blocks in ``text``."""
    run = load_run(path)
    settings = run.settings
    if text is not None:
        blocks = settings.network.check(from_text(text))
    elif run.result.exists() or run.best.exists():
        found = run.read_result() if run.result.exists() else run.read_best()
        searched = () if isinstance(settings.timesteps, int) else (found["timesteps"],)
        blocks = (*found["blocks"], *map(timesteps_name, searched))
    else:
        raise UserError(f"{path} has no network yet; name one of its space with --blocks")
    return Subject(settings.network, blocks, settings.pixels)


def of_settings(chosen: Chosen, dataset: str, config: Mapping[str, Any]) -> Subject:
    """The architecture that the user named, for the images of a data set."""
    info = find_source(dataset).info
    return Subject(chosen.network(info, config), chosen.blocks, not info.events)


def fits(subject: Subject, chip: str | None) -> dict[str, Fit]:
    """How it fits ``chip``, or every chip there is."""
    names = [chip] if chip else CHIPS
    return fits_of(subject.config, subject.blocks, names, pixels=subject.pixels)


def to_json(found: Mapping[str, Fit]) -> dict[str, Any]:
    """Plain JSON types, by chip."""
    return {name: {"fits": fit.fits, **asdict(fit)} for name, fit in found.items()}


def show(subject: Subject, found: Mapping[str, Fit], chip: str | None) -> None:
    """Show a line for each chip, or the layers on the only one."""
    say(to_text(subject.blocks) or subject.config.space)
    if chip is None:
        _show_all(found)
    else:
        _show_layers(chip, found[chip])


def _show_all(found: Mapping[str, Fit]) -> None:
    table = Table("chip", "", "fits", "cores", "why not")
    for name, fit in found.items():
        record = CHIPS[name]
        cores = f"{sum(fit.cores)} of {record.core_count}"
        title = f"{record.title}{' (approximate)' if record.approximate else ''}"
        answer = "yes" if fit.fits else "no"
        table.add_row(name, title, answer, cores, "\n".join(fit.problems))
    console().print(table)


def _show_layers(name: str, fit: Fit) -> None:
    record = CHIPS[name]
    table = Table("layer", title=f"{record.title}: {record.source}, {record.date}")
    for column in ("neurons", "weights", "cores"):
        table.add_column(column, justify="right")
    for layer, cores in zip(fit.layers, fit.cores, strict=True):
        neurons, weights = needed(layer, record)
        table.add_row(layer.name, f"{neurons:,}", f"{weights:,}", f"{cores:,}")
    if fit.layers:
        console().print(table)
    if fit.host:
        say(f"The host computes {', '.join(fit.host)}, and sends their spikes to the chip.")
    for problem in fit.problems:
        say(f"It does not fit: {problem}")
    if fit.fits:
        say(f"It fits: {sum(fit.cores)} of {record.core_count} cores.")
