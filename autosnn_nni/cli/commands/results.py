"""Commands that look at runs."""

from pathlib import Path
from typing import Annotated

import typer

from autosnn_nni.cli.commands.arguments import Json, Run
from autosnn_nni.cli.commands.help import Commands
from autosnn_nni.cli.console import print_json

commands = Commands()


@commands.command()
def status(
    run: Run,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every 2 s while a process works on it")
    ] = False,
    json_: Json = False,
) -> None:
    """Show how far a run is, and the best so far."""
    from autosnn_nni.cli import status as look

    if json_:
        print_json(look.status_json(run))
    elif watch:
        look.watch_status(run)
    else:
        look.show_status(run)


@commands.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="Folder that the runs are in")] = Path("runs"),
    json_: Json = False,
) -> None:
    """List runs with their state, results and date."""
    from autosnn_nni.cli import status as look

    print_json(look.runs_json(folder)) if json_ else look.show_runs(folder)


@commands.command()
def report(run: Run) -> None:
    """Rewrite a run's report, figures and tables."""
    from autosnn_nni.cli.report import report as write

    write(run)


@commands.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of two runs or more")],
    output: Annotated[Path, typer.Option(help="The page; its table is next to it, as CSV")] = Path(
        "compare.html"
    ),
) -> None:
    """Compare runs on one page: fronts, winners, settings that differ, costs, seeds."""
    from autosnn_nni.cli.compare import compare as write

    write(runs, output)


@commands.command()
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
