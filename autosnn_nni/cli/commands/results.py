"""Commands that look at runs."""

from typing import Annotated

import typer

from autosnn_nni.cli.commands.arguments import Run
from autosnn_nni.cli.commands.help import Commands

commands = Commands()


@commands.command()
def report(run: Run) -> None:
    """Rewrite a run's report, figures and tables."""
    from autosnn_nni.cli.report import report as write

    write(run)


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
