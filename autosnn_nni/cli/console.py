"""What commands print: text as it is, on terminals of any encoding."""

import codecs
import json
import os
import signal
import sys
from io import TextIOWrapper
from typing import Any, NoReturn

import typer
from rich.console import Console

_TOLERANT = "autosnn-tolerant"
_STDERR = 2


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """End quietly, as other commands do, where rich would exit with 1."""
        stop_printing()


def console() -> Console:
    """A console that takes brackets and colons in names and paths for what they are."""
    return _Console(markup=False, emoji=False)


def say(line: str) -> None:
    """Print a line without wrapping or highlighting."""
    console().print(line, highlight=False, soft_wrap=True)


def warn(line: str) -> None:
    """Write a line about what is wrong to standard error."""
    sys.stderr.write(f"autosnn: {line}\n")


def be_tolerant() -> None:
    """Print what the terminal's encoding lacks as an escape, and bytes in file names as bytes.

    What is printed to a closed stream (``>&-``) is discarded.
    """
    _replace_closed_streams()
    codecs.register_error(_TOLERANT, _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_TOLERANT)


def _replace_closed_streams() -> None:
    """Also takes the numbers of their files, or a file of the run would be printed to."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(number)
    for number, name in enumerate(("stdout", "stderr"), start=1):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w"))


def print_json(value: Any) -> None:
    """Print one JSON object to standard output."""
    try:
        sys.stdout.write(json.dumps(value, indent=2) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        stop_printing()


def stop_printing() -> NoReturn:
    """End as a command whose reader has gone (``autosnn ... | head``); the rest is discarded."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    raise typer.Exit(128 + signal.SIGPIPE)


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    for name in ("surrogateescape", "backslashreplace"):
        try:
            replaced: tuple[str | bytes, int] = codecs.lookup_error(name)(error)
            return replaced
        except UnicodeError:
            continue
    raise error
