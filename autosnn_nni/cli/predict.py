"""``autosnn predict``: the classes of single pictures."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from autosnn_nni.cli.console import console, say
from autosnn_nni.energy import ENERGY
from autosnn_nni.numbers import format_joules
from autosnn_nni.runs.prediction import load
from autosnn_nni.search_spaces import from_text

#: Classes that are shown.
_SHOWN = 3


def predict(
    trained: Path, images: Sequence[Path], text: str | None, data_dir: Path | None
) -> list[dict[str, Any]]:
    """A dict of plain types for every image."""
    predictor = load(trained, None if text is None else from_text(text), data_dir)
    predictions = predictor.predict_files(images)
    return [
        {"image": str(path), "classes": predictor.names, **asdict(one)}
        for path, one in zip(images, predictions, strict=True)
    ]


def show(predictions: Sequence[dict[str, Any]]) -> None:
    """Print the classes with the most votes by timestep, and what was spent."""
    for one in predictions:
        last = one["votes"][-1]
        first = sorted(range(len(last)), key=lambda label: -last[label])[:_SHOWN]
        found = f"class {one['name']}" if one["name"] else "no class: no voting neuron fired"
        table = Table("class", title=f"{one['image']}: {found}")
        for timestep in range(1, len(one["votes"]) + 1):
            table.add_column(f"t = {timestep}", justify="right")
        for label in first:
            table.add_row(one["classes"][label], *(f"{votes[label]:.2f}" for votes in one["votes"]))
        console().print(table)
        name, joules = next(iter(one["energy"].items()))
        say(
            f"{one['spikes']:,.0f} spikes, {one['synops']:,.0f} synaptic operations, "
            f"{one['macs']:,.0f} MACs; {format_joules(joules)} ({ENERGY[name].title}, "
            "good to 40 % at best)"
        )
