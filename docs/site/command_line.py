"""The reference of the command line, made from the program's own commands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command

from autosnn_nni.cli.app import app
from docs.site.markdown import cell, table

#: What stands for an option's value, by its type; dots say that it may be given several times.
_PLACES = {str: "TEXT", int: "INTEGER", float: "NUMBER", Path: "PATH"}


def command_line() -> str:
    """Every command with its arguments, options and defaults, as Markdown."""
    return "\n\n".join(_section(name, command) for name, command in commands())


def commands(group: Any = None, above: str = "autosnn") -> Iterator[tuple[str, Any]]:
    """All commands of the program by their full names, those of groups after them."""
    group = group or get_command(app)
    yield above, group
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{above} {name}")
        else:
            yield f"{above} {name}", command


def _section(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = [name, *["[OPTIONS]"][: len(options)], *map(_place, arguments)]
    return "\n\n".join(
        [
            f"## {name}",
            " ".join(command.help.split()),
            f"    {' '.join(usage)}",
            *_listed("argument", [(_place(one), one) for one in arguments]),
            *_listed("option", [(_with_value(one), one) for one in options]),
        ]
    )


def _listed(title: str, rows: list[tuple[str, Any]]) -> list[str]:
    lines = [[f"`{name}`", cell(one.help or ""), _default(one)] for name, one in rows]
    return [table([title, "what it is", "default"], lines)] if rows else []


def _place(argument: Any) -> str:
    word = argument.name.rstrip("_").upper()
    word += "..." if argument.nargs == -1 or argument.multiple else ""
    return word if argument.required else f"[{word}]"


def flags(option: Any) -> str:
    """An option's names."""
    return ", ".join([*option.opts, *option.secondary_opts])


def _with_value(option: Any) -> str:
    both = flags(option)
    kind = option.type_descriptor.annotation
    (one, *_) = get_args(kind) or (kind,)
    return both if option.is_flag else f"{both} {_PLACES[one]}{' ...' * option.multiple}"


def _default(parameter: Any) -> str:
    value = parameter.default
    return "" if value in (None, False, ()) else f"`{value}`"
