"""The ``autosnn`` command line.

Exit codes: 0 success, 2 invalid input (one line says what is wrong and what to do), 128 and the
number of the signal that has stopped it, such as 130 for Ctrl-C, and 1 for any other error.
``--debug`` shows the traceback. Commands are imported when they are run: importing torch and
NNI takes seconds, and help and usage errors need neither.
"""

import sys
from typing import Annotated

import typer

from autosnn_nni.cli.commands import networks, plugins, results, runs, tables
from autosnn_nni.cli.commands.help import HELP_OPTIONS, SWITCHES, Commands
from autosnn_nni.cli.console import be_tolerant, warn
from autosnn_nni.cli.signals import Stop, stoppable
from autosnn_nni.errors import UserError
from autosnn_nni.freed_memory import keep_freed_memory
from autosnn_nni.progress import be_silent
from autosnn_nni.training.processes import torchrun_processes

#: Commands that resume when they are run again.
_RESUMABLE = ("search", "supernet", "train", "trust", "report", "compare", "reproduce", "table")

app = Commands(context_settings={"help_option_names": HELP_OPTIONS}, pretty_exceptions_enable=False)
for module in (runs, results, networks, plugins):
    app.add_typer(module.commands)
app.add_typer(
    tables.commands, name="table", help="Train every architecture of a space, and ask the table."
)


@app.callback(invoke_without_command=True)
def autosnn(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With --version: also show what it runs on")
    ] = False,
) -> None:
    """Search for energy-efficient spiking neural networks (AutoSNN, ICML 2022) on NNI."""
    if version:
        from autosnn_nni.cli.versions import show_versions

        show_versions(verbose=verbose)
        raise typer.Exit
    if verbose:
        raise UserError("--verbose goes with --version")
    if context.invoked_subcommand is None:
        context.fail("Missing command.")


def main() -> None:
    """Entry point; turns errors and signals into one line and an exit code."""
    arguments = [argument for argument in sys.argv[1:] if argument not in SWITCHES]
    command = arguments[0] if arguments else "--help"
    keep_freed_memory()
    be_tolerant()
    if "--quiet" in sys.argv:
        be_silent()
    # A shell script's background ignores Ctrl-C, which is how a view is closed.
    with stoppable(_farewell(command), always=command == "view") as stop:
        code = _run(arguments or [command], stop)
    sys.exit(code)


def _farewell(command: str) -> str:
    """What the command says when a signal has stopped it: nothing in torchrun's other processes."""
    started = torchrun_processes()
    if started is not None and started.rank > 0:
        return ""
    again = "; run the same command again to resume" if command in _RESUMABLE else ""
    return f"autosnn: stopped{again}\n"


def _run(arguments: list[str], stop: Stop) -> int:
    try:
        command = typer.main.get_command(app)
        return command.main(arguments, "autosnn", standalone_mode=False) or 0
    except Exception as error:
        if "--debug" in sys.argv or stop.number is not None:
            raise
        return _report_error(error)


def _report_error(error: Exception) -> int:
    if isinstance(error, UserError):
        return _say(str(error), 2)
    if hasattr(error, "format_message"):  # errors of typer, such as an unknown option
        return _say(error.format_message(), 2)
    if isinstance(error, OSError):
        what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        return _say(f"{what}; check the path, its permissions and the free space", 2)
    if isinstance(error, MemoryError) or "allocate" in str(error):  # also torch's own errors
        return _say("out of memory; use fewer --channels, --timesteps or a smaller --batch-size", 1)
    return _say(f"{type(error).__name__}: {error}; --debug shows the traceback", 1)


def _say(message: str, code: int) -> int:
    warn(" ".join(message.split()))
    return code
