"""Command-line options for the settings, generated from :class:`Settings`."""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import Field
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from autosnn_nni.errors import UserError
from autosnn_nni.numbers import number
from autosnn_nni.runs.settings import Settings


def _architecture(text: str) -> tuple[str, ...]:
    from autosnn_nni.search_spaces import from_text  # imported late, as in the settings

    return from_text(text)


def _timesteps(text: str) -> int | tuple[int, ...]:
    try:
        first, *others = map(int, text.split(","))
    except ValueError:
        raise UserError(f"--timesteps must be a number or several (2,4,8), not {text!r}") from None
    return (first, *others) if others else first


#: Settings with a different form on the command line: flag, type, conversion.
_FORMS: dict[str, tuple[str, Any, Callable[[Any], Any]]] = {
    "plugins": (
        "--plugin",
        list[Path],
        lambda paths: tuple(str(path.resolve()) for path in paths),
    ),
    "timesteps": ("--timesteps", str, _timesteps),
    "candidates": ("--candidates", str, _architecture),
    "lambda_": ("--lambda", float, float),
    "fitness_": ("--fitness", str, str),
    "max_spikes": ("--max-spikes", str, lambda text: number(text, "--max-spikes")),
    "max": ("--max", list[str], tuple),
    "min": ("--min", list[str], tuple),
    "objectives": ("--objectives", str, lambda text: tuple(text.replace(" ", "").split(","))),
    "baselines": ("--baselines/--no-baselines", bool, bool),
}


def with_settings(*stages: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of ``stages`` to a command, which receives those set as ``given``."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        settings = [one for one in dataclasses.fields(Settings) if one.metadata["stage"] in stages]
        names = {one.name for one in settings}

        def wrapper(**values: Any) -> None:
            named = {key: values.pop(key) for key in names}
            command(given=_given(named), **values)

        own = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for one in inspect.signature(command).parameters.values()
            if one.name != "given"
        ]
        hints = get_type_hints(Settings)
        parameters = [*(_parameter(one, hints[one.name]) for one in settings), *own]
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        return wrapper

    return decorate


def check_unset(why: str, **options: object) -> None:
    """Raise :class:`UserError` if one of these options, which would have no effect, is given."""
    given = ["--" + name.replace("_", "-") for name, value in options.items() if value is not None]
    if given:
        raise UserError(f"{why}; leave out {', '.join(given)}")


def _given(named: dict[str, Any]) -> dict[str, Any]:
    """The options that the user set, converted to settings."""
    convert = {name: form[2] for name, form in _FORMS.items()}
    return {
        name: convert.get(name, lambda value: value)(value)
        for name, value in named.items()
        if value is not None
    }


def _parameter(setting: Field[Any], hint: Any) -> inspect.Parameter:
    flag = "--" + setting.name.replace("_", "-")
    kind = int if hint == int | None else hint
    flag, kind, _ = _FORMS.get(setting.name, (flag, kind, None))
    default = setting.default
    text = setting.metadata["help"]
    if default not in (None, ()):
        text += f" [default: {default}]"
    option = typer.Option(flag, help=text, show_default=False)
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )
