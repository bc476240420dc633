"""How commands show their help: options in sections, and what holds for every command."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter

#: Switches that every command takes, anywhere on its line.
SWITCHES = {
    "--quiet": "Show results and errors only, no progress",
    "--debug": "Show an error's traceback",
}
HELP_OPTIONS = ("-h", "--help")


class Command(TyperCommand):
    """A command whose help has its options in the sections of their ``rich_help_panel``."""

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the arguments and options, section by section."""
        _write_sections(self, ctx, formatter)


class Group(TyperGroup):
    """Commands; their descriptions are wrapped where they are too long for a line."""

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the options, then the commands."""
        _write_sections(self, ctx, formatter)
        shown = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(limit=1000)) for name, one in shown if not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Commands(typer.Typer):
    """Commands declared in one module, with this help."""

    def __init__(self, **more: Any) -> None:
        super().__init__(cls=Group, rich_markup_mode=None, **more)

    def command(self, name: str | None = None, **more: Any) -> Callable[[Any], Any]:
        """Decorator that declares a command."""
        return super().command(name, cls=Command, **more)


def _write_sections(
    command: TyperCommand | TyperGroup, ctx: "Context", formatter: "HelpFormatter"
) -> None:
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            names = re.sub(r"<list\[(\w+)\]>", lambda found: f"<{found[1].lower()}>...", record[0])
            sections.setdefault(_section(parameter), []).append((names, record[1]))
    sections.setdefault("For every command", [])[:0] = SWITCHES.items()
    for title, rows in sections.items():
        with formatter.section(title):
            formatter.write_dl(rows)


def _section(parameter: object) -> str:
    if getattr(parameter, "param_type_name", None) == "argument":
        return "Arguments"
    if getattr(parameter, "name", None) == "help":
        return "For every command"
    return getattr(parameter, "rich_help_panel", None) or "Options"
