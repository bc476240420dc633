"""Commands for names and plugins."""

from pathlib import Path
from typing import Annotated

import typer

from autosnn_nni.cli.commands.help import Commands
from autosnn_nni.cli.names import kinds, names
from autosnn_nni.errors import UserError

commands = Commands()


@commands.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="spaces, blocks, networks, ... [default: show what there is]",
            autocompletion=lambda incomplete: [
                one for one in kinds() if one.startswith(incomplete)
            ],
        ),
    ] = None,
    plugin: Annotated[
        list[Path] | None, typer.Option(help="Python file that registers more")
    ] = None,
) -> None:
    """List the names that options accept."""
    from autosnn_nni.cli.console import say

    for name in kinds() if kind is None else names(kind, plugin or []):
        say(name)


@commands.command("check-plugin")
def check_plugin_(
    plugin: Annotated[Path, typer.Argument(help="Python file that registers something")],
) -> None:
    """Try everything that a plugin registers, piece by piece."""
    from autosnn_nni.cli.check_plugin import check_plugin

    if not check_plugin(plugin):
        raise UserError(f"plugin {plugin} has pieces that can't be used; see the table above")


@commands.command()
def register() -> None:
    """Register AutoSNN with NNI: its tuner, and platforms local_autosnn and remote_autosnn."""
    from autosnn_nni.manager import registration

    typer.echo(f"registered AutoSNN with NNI in {registration.register()}")


@commands.command()
def unregister() -> None:
    """Remove the registration from NNI. Run this before uninstalling the package."""
    from autosnn_nni.manager import registration

    typer.echo(f"removed AutoSNN from NNI in {registration.unregister()}")
