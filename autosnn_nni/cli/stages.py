"""Commands that change a run."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from autosnn_nni.cli.chosen import Chosen
from autosnn_nni.cli.console import say, warn
from autosnn_nni.cli.tables import show_results, show_trust
from autosnn_nni.errors import UserError
from autosnn_nni.mapping import fitting_of
from autosnn_nni.pipeline import Pipeline, opened
from autosnn_nni.progress import steps
from autosnn_nni.runs.contents import write_judged, write_origin
from autosnn_nni.runs.directory import (
    RunDirectory,
    check_unused,
    check_writable,
    load_run,
    locked,
    plan_run,
)
from autosnn_nni.runs.inputs import load_supernet
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.picking import feasible
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.runs.search_state import load_history
from autosnn_nni.runs.search_warnings import chance_warning
from autosnn_nni.scoring.ranking import Judged
from autosnn_nni.search_spaces import Architecture, to_text
from autosnn_nni.steps import Step
from autosnn_nni.training.checkpoints import load_checkpoint
from autosnn_nni.training.processes import torchrun_processes
from autosnn_nni.trust import check_comparable, check_sample, draw, judge, train_sample


def search(given: dict[str, Any], output: Path | None, machine: Machine) -> None:
    """Run all three stages, write the report and show a table of the results."""
    _check_no_torchrun()
    with opened(output or default_output(given), given, machine, _check_search) as pipeline:
        _say_what_fits(pipeline.run)
        with _shown(pipeline.steps(), machine):
            pipeline.search()
            _check_constraints(pipeline)
            _warn_of_chance(pipeline.run)
            pipeline.retrain()
        report = pipeline.report()
    show_results(pipeline.run, report)


def supernet(given: dict[str, Any], output: Path | None, machine: Machine) -> None:
    """Run stage 1; with torchrun, only the first process writes."""
    path = output or default_output(given)
    started = torchrun_processes()
    if started is not None and started.rank > 0:
        pipeline = Pipeline(plan_run(path, given), machine)
        _check_supernet(pipeline)
        pipeline.supernet()
        return
    with opened(path, given, machine, _check_supernet) as pipeline:
        pipeline.supernet()
    n_avg = load_checkpoint(pipeline.run.supernet).n_avg
    say(f"Supernet: {pipeline.run.supernet} (N_avg {n_avg:,.0f} spikes per image)")


def train(given: dict[str, Any], chosen: Chosen, output: Path | None, machine: Machine) -> None:
    """Run stage 3 for one architecture."""
    _check_no_torchrun()
    path = output or Path("runs/train")

    def check(pipeline: Pipeline) -> None:
        _check_no_search(pipeline.run)
        blocks = _blocks_of(chosen, pipeline.run)
        _check_same(pipeline.run, blocks)
        pipeline.check_train(blocks)

    check_unused(path)
    _check_no_search(RunFiles(path))
    with opened(path, chosen.settings(given), machine, check) as pipeline:
        if chosen.why:
            say(chosen.why)
        write_origin(pipeline.run, chosen.origin)
        with _shown(pipeline.steps(single=True), machine):
            pipeline.train(_blocks_of(chosen, pipeline.run))
        report = pipeline.report()
    show_results(pipeline.run, report)


def trust(paths: Sequence[Path], sample: int, seeds: int, machine: Machine) -> None:
    """Compare supernets of runs with a sample trained from scratch in the first run's folder."""
    for option, number in (("--sample", sample), ("--seeds", seeds)):
        if number < 1:
            raise UserError(f"{option} must be at least 1, not {number}")
    pipelines = [Pipeline(load_run(path), machine) for path in paths]
    first = pipelines[0]
    for pipeline in pipelines:
        load_supernet(pipeline.run)
        check_comparable(first.run, pipeline.run)
        check_writable(pipeline.run.path)
    architectures = draw(first.run, sample)
    check_sample(first.run, architectures, seeds)
    first.check()
    with locked(first.run.path):
        results = train_sample(first, architectures, seeds)
    for pipeline in pipelines:
        judged, report = _reported(pipeline, lambda one: judge(one, results))
        show_trust(pipeline.run, judged, report)


def trust_table(paths: Sequence[Path], name: str, machine: Machine) -> None:
    """Compare supernets of runs with every architecture of a table."""
    from autosnn_nni.cli.judged import show_table5
    from autosnn_nni.table import Table
    from autosnn_nni.table.supernets import check_comparable, judge_supernet, table5

    table = Table(name)
    pipelines = [Pipeline(load_run(path), machine) for path in paths]
    averages = []
    for pipeline in pipelines:
        averages.append(load_supernet(pipeline.run).n_avg)
        check_comparable(pipeline.run, table)
        check_writable(pipeline.run.path)
        pipeline.check()
    for pipeline, n_avg in zip(pipelines, averages, strict=True):
        judged, report = _reported(pipeline, lambda one: judge_supernet(one, table))
        found = table5(table, judged, pipeline.run.settings.fitness, n_avg)
        show_table5(found, len(judged))
        show_trust(pipeline.run, judged, report)


def _reported(
    pipeline: Pipeline, judge: Callable[[Pipeline], list[Judged]]
) -> tuple[list[Judged], Path]:
    """Judge the run's supernet and write its report: what was found, and the report's path."""
    with locked(pipeline.run.path):
        judged = judge(pipeline)
        write_judged(pipeline.run, judged)
        return judged, pipeline.report()


def _shown(planned: Sequence[Step], machine: Machine) -> AbstractContextManager[None]:
    """Show all steps together, unless several processes write to the terminal."""
    return steps(planned) if machine.devices == 1 else nullcontext()


def default_output(given: Mapping[str, Any]) -> Path:
    """The default folder of a search."""
    dataset = Path(str(given.get("dataset", "digits"))).resolve()
    return Path("runs") / dataset.name.removesuffix(".npz")


def _say_what_fits(run: RunDirectory) -> None:
    """Say how much of the space is left for a run's chip."""
    if run.settings.chip is None or run.searched():
        return
    found = fitting_of(run.settings).share()
    kind = "architectures" if found.whole else "random architectures"
    say(f"{found.fitting} of {found.tried} {kind} fit {run.settings.chip}; the others are left out")


def _warn_of_chance(run: RunDirectory) -> None:
    """Say that the supernet has learnt nothing, before anything is trained from scratch."""
    if run.result.exists():
        return
    accuracies = (one.accuracy for one in load_history(run))
    if line := chance_warning(accuracies, run.settings.network.classes):
        warn(line)


def _check_constraints(pipeline: Pipeline) -> None:
    """Stop before the long training if no architecture is feasible."""
    run = pipeline.run
    history = load_history(run)
    try:
        feasible(history, run.settings.constraints)
    except UserError as error:
        earlier = f" (earlier results: {run.previous})" if run.previous.exists() else ""
        raise UserError(
            f"{error}; see {pipeline.report()}, then change the constraints or use "
            f"autosnn train --from {run.path} --pick ...{earlier}"
        ) from None


def _blocks_of(chosen: Chosen, run: RunDirectory) -> Architecture:
    """The blocks to train; raises :class:`UserError` if they are not in the run's space."""
    _, blocks = run.settings.network.stand_alone(chosen.blocks)
    return blocks


def _check_no_search(files: RunFiles) -> None:
    if files.has_search():
        raise UserError(f"{files.path} belongs to a search; choose another --output")


def _check_same(run: RunDirectory, blocks: Architecture) -> None:
    """Refuse a folder with the weights of another architecture."""
    if run.retrained.exists():
        trained = load_checkpoint(run.retrained).blocks
        if trained != blocks:
            raise UserError(
                f"{run.path} holds another architecture ({to_text(trained)}); "
                "choose another --output"
            )


def _check_search(pipeline: Pipeline) -> None:
    _check_searchable(pipeline.run)
    pipeline.check_search()


def _check_supernet(pipeline: Pipeline) -> None:
    _check_searchable(pipeline.run)
    pipeline.check_supernet()


def _check_searchable(run: RunDirectory) -> None:
    """Refuse a network or a folder without a search; its network would be taken for a winner."""
    if not run.settings.network.macro.tbd_blocks:
        space = run.settings.space
        raise UserError(f"{space} has no TBD blocks to search; use autosnn train --network {space}")
    trained = run.retrained.exists() or run.origin.exists()
    if trained and not run.has_search():
        raise UserError(f"{run.path} belongs to `autosnn train`; choose another --output")


def _check_no_torchrun() -> None:
    if torchrun_processes() is not None:
        raise UserError("torchrun works only with `autosnn supernet`; run this command without it")
