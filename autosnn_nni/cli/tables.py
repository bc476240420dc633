"""Tables printed by commands."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from autosnn_nni.cli.console import console, say
from autosnn_nni.energy import ENERGY
from autosnn_nni.numbers import (
    format_accuracy,
    format_joules,
    format_share,
    format_spikes,
    format_tau,
)
from autosnn_nni.runs.contents import read_contents
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.run_files import BASELINES
from autosnn_nni.runs.search_warnings import finalists_warning
from autosnn_nni.scoring.ranking import Judged, agreements, format_interval, regret
from autosnn_nni.scoring.spread import compared, spreads_of
from autosnn_nni.search_spaces import to_text


def show_results(run: RunDirectory, report: Path) -> None:
    """Print the results of the trained networks and the path of the report.

    With several seeds, these are means and standard deviations. A line for each baseline says what
    is more than the spread of the seeds. Before them come the finalists, which named the winner.
    """
    if run.finalists_table.exists():
        _show_finalists(run)
    title, seeds = f"Test split of {run.settings.dataset}", run.settings.seeds
    own = run.read_result() if run.result.exists() else None
    if own and not isinstance(run.settings.timesteps, int):
        title += f", T = {own['timesteps']} chosen"
    if seeds > 1:
        title += f", mean ± standard deviation of {seeds} seeds"
    table = Table("architecture", title=title)
    for column in ("accuracy", "spikes per image", "parameters"):
        table.add_column(column, justify="right")
    if own:
        _add_result(table, own, _title(own))
    lines = []
    for files in map(run.baseline, BASELINES):
        if files.result.exists():
            baseline = files.read_result()
            block = baseline["blocks"][0]
            _add_result(table, baseline, f"{run.settings.space}, all {block}")
            if own:
                lines.append(
                    compared("Winner", spreads_of(own), f"all {block}", spreads_of(baseline))
                )
    console().print(table)
    for line in filter(None, lines):
        say(line)
    if own:
        _say_if_dead(own)
    say(f"Report: {report}")


def _show_finalists(run: RunDirectory) -> None:
    table = Table("finalist", title=f"D_val of {run.settings.dataset}, after training")
    for column in ("rank before", "accuracy", "spikes", "fitness"):
        table.add_column(column, justify="right")
    contents = read_contents(run.path)
    for one in contents.finalists:
        cells = f"{100 * one.val_accuracy:.2f} %", f"{one.val_spikes:,.0f}", f"{one.fitness:.4f}"
        table.add_row(to_text(one.blocks), f"{one.rank}", *cells)
    console().print(table)
    if line := finalists_warning(contents):
        say(line)


def _add_result(table: Table, result: Mapping[str, Any], title: str) -> None:
    found = spreads_of(result)
    accuracy, spikes = found["accuracy"], found["spikes"]
    if accuracy.count > 1:
        cells = (
            format_accuracy(accuracy.mean, accuracy.std),
            format_spikes(spikes.mean, spikes.std),
        )
    else:
        cells = (f"{100 * accuracy.mean:.2f} %", f"{spikes.mean:,.0f}")
    table.add_row(title, *cells, f"{result['parameters']:,}")


def show_evaluation(result: Mapping[str, Any]) -> None:
    """Print accuracy and spikes, in total and per layer."""
    say(
        f"{_title(result)}: {100 * result['accuracy']:.2f} % test accuracy, "
        f"{result['spikes']:,.1f} spikes per image ({result['neuron_spikes']:,.1f} from neurons), "
        f"firing rate {result['firing_rate']:.3f}; "
        f"{result['milliseconds_per_image']:.2f} ms per image"
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
    console().print(table)
    _say_if_dead(result)
    show_energy(result)


def show_energy(result: Mapping[str, Any]) -> None:
    """Print operations per image, in total and per layer, and the energy by every model."""
    table = Table("layer with weights")
    for column in ("synaptic operations", "MACs", "parameters"):
        table.add_column(column, justify="right")
    for one in result["operations"]:
        numbers = f"{one['synops']:,.0f}", f"{one['macs']:,.0f}", f"{one['parameters']:,}"
        table.add_row(one["name"], *numbers)
    total = f"{result['synops']:,.0f}", f"{result['macs']:,.0f}", f"{result['parameters']:,}"
    table.add_row("all, with batch norm and neurons", *total)
    console().print(table)
    energies = Table("model", title="Energy per image, good to 40 % at best")
    for column in ("pJ per operation", "pJ per MAC", "energy"):
        energies.add_column(column, justify="right")
    sources: dict[str, list[str]] = {}
    for name, joules in result["energy"].items():
        model = ENERGY[name]
        numbers = f"{model.synop:g}", f"{model.mac:g}", format_joules(joules)
        energies.add_row(model.title, *numbers)
        sources.setdefault(model.source, []).append(model.title)
    console().print(energies)
    for source, models in sources.items():
        say(f"{', '.join(models)}: {source}")


def _say_if_dead(result: Mapping[str, Any]) -> None:
    """Say so if the last layer, whose neurons vote, has never fired."""
    neurons = [layer for layer in result["layers"] if layer["kind"] == "neuron"]
    if neurons and not neurons[-1]["spikes"]:
        say(
            f"{_title(result)}: no voting neuron fired on the test images: the network has learnt "
            "nothing; train it longer"
        )


def _title(result: Mapping[str, Any]) -> str:
    """The architecture, or the name of a network without TBD blocks."""
    return to_text(result["blocks"]) or str(result["space"])


def show_description(result: Mapping[str, Any]) -> None:
    """Print stages and counts of a network."""
    title = (
        f"{result['space']} for {result['dataset']}, C = {result['channels']}, "
        f"T = {result['timesteps']}"
    )
    table = Table("stage", "block", title=title)
    table.add_column("output", justify="right")
    for stage in result["stages"]:
        side = f" x {stage['size']} x {stage['size']}" if stage["size"] > 1 else ""
        table.add_row(stage["name"], stage["block"], f"{stage['out_channels']}{side}")
    console().print(table)
    say(f"Parameters: {result['parameters']:,}")
    say(f"Neurons: {result['neurons']:,} (and {result['pool_outputs']:,} max-pool outputs)")
    say(f"Spikes per image: {result['spikes']:,.1f} ({result['spikes_measured_on']})")
    energies = ", ".join(
        f"{format_joules(joules)} ({ENERGY[name].title})"
        for name, joules in result["energy"].items()
    )
    say(
        f"Operations per image: {result['synops']:,.0f} synaptic, {result['macs']:,.0f} MACs; "
        f"energy, good to 40 % at best: {energies}"
    )
    if "accuracy" in result:
        say(f"Accuracy on D_val: {100 * result['accuracy']:.2f} %")


def show_trust(run: RunDirectory, judged: Sequence[Judged], report: Path) -> None:
    """Print Kendall's tau between the rankings by the supernet and by training from scratch."""
    table = Table("ranked by", "among", title=f"Kendall's tau of the supernet in {run.path}")
    for column in ("architectures", "tau", "95 % confidence", "ceiling", "reached"):
        table.add_column(column, justify="right")
    for (what, among), found in agreements(judged).items():
        table.add_row(
            what,
            among,
            f"{found.count}",
            format_tau(found.tau),
            format_interval(found),
            format_tau(found.ceiling),
            format_share(found.share),
        )
    console().print(table)
    lost = regret(judged)
    say(
        f"The supernet's first reaches {format_accuracy(lost.first)} from scratch, the best of its "
        f"first three {format_accuracy(lost.of_three)}, the best of all {len(judged):,} "
        f"{format_accuracy(lost.best)}"
    )
    say(f"Report: {report}")
