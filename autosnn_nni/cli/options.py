"""Command-line options for the settings, generated from :class:`Settings`."""

import dataclasses
import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import Field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from autosnn_nni.cli.config import read_config
from autosnn_nni.cli.names import completion
from autosnn_nni.errors import UserError
from autosnn_nni.numbers import number, quantity
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


#: In place of a constraint's value: there is none any more.
_NONE = "none"


def _max_spikes(text: str) -> float | None:
    return None if text == _NONE else number(text, "--max-spikes")


def _min_accuracy(text: str) -> float | None:
    return None if text == _NONE else quantity(text, "%", "--min-accuracy")


def _bounds(texts: Sequence[str]) -> tuple[str, ...]:
    return () if list(texts) == [_NONE] else tuple(texts)


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
    "max_spikes": ("--max-spikes", str, _max_spikes),
    "min_accuracy": ("--min-accuracy", str, _min_accuracy),
    "max": ("--max", list[str], _bounds),
    "min": ("--min", list[str], _bounds),
    "objectives": ("--objectives", str, lambda text: tuple(text.replace(" ", "").split(","))),
    "baselines": ("--baselines/--no-baselines", bool, bool),
}

#: How the text of an option becomes a setting, by the setting's name.
_CONVERT = {name: convert for name, (_, _, convert) in _FORMS.items()}
#: The same for text in a file, where YAML takes 1e-3 for text, and a list may be a single one.
_FROM_FILE: dict[str, Callable[[str], Any]] = {
    **{name: convert for name, convert in _CONVERT.items() if name != "baselines"},
    **{name: partial(number, name=name) for name in ("learning_rate", "lambda_")},
    "plugins": lambda text: (str(Path(text).resolve()),),
    "max": lambda text: _bounds([text]),
    "min": lambda text: _bounds([text]),
}
_CONFIG = inspect.Parameter(
    "config",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None,
        typer.Option(help="YAML file of settings, or another run's settings.json; options win"),
    ],
)

#: The names of all settings.
NAMES = frozenset(one.name for one in dataclasses.fields(Settings))

#: The kinds of names that shells complete.
_KINDS = {
    "dataset": "datasets",
    "space": "spaces",
    "neuron": "neurons",
    "surrogate": "surrogates",
    "schedule": "schedules",
    "loss": "losses",
    "sampling": "samplings",
    "strategy": "strategies",
    "fitness_": "objectives",
    "chip": "chips",
}

#: Where the help shows the settings of a stage.
_SECTIONS = {
    "supernet": "Data, network and training",
    "search": "Search",
    "choice": "Choice of the winner",
    "retrain": "Training from scratch",
    "seeds": "Training from scratch",
}


def with_settings(
    *stages: str, shown: Collection[str] = NAMES
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of ``stages`` to a command, which receives those set as ``given``.

    The help has those that are ``shown``, by the names of their settings.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        settings = [one for one in dataclasses.fields(Settings) if one.metadata["stage"] in stages]

        def wrapper(**values: Any) -> None:
            named = {one.name: values.pop(one.name) for one in settings}
            config = values.pop("config")
            filed = {} if config is None else read_config(config, _FROM_FILE)
            command(given={**filed, **_given(named)}, **values)

        own = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for one in inspect.signature(command).parameters.values()
            if one.name != "given"
        ]
        hints = get_type_hints(Settings)
        options = (
            _parameter(one, hints[one.name], hidden=one.name not in shown) for one in settings
        )
        parameters = [*options, _CONFIG, *own]
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
    return {
        name: _CONVERT.get(name, lambda value: value)(value)
        for name, value in named.items()
        if value is not None
    }


def _parameter(setting: Field[Any], hint: Any, *, hidden: bool) -> inspect.Parameter:
    flag = "--" + setting.name.replace("_", "-")
    kind = int if hint == int | None else hint
    flag, kind, _ = _FORMS.get(setting.name, (flag, kind, None))
    default = setting.default
    text = setting.metadata["help"]
    if default not in (None, ()):
        text += f" [default: {default}]"
    section = _SECTIONS[setting.metadata["stage"]]
    option = typer.Option(
        flag,
        help=text,
        show_default=False,
        rich_help_panel=section,
        hidden=hidden,
        autocompletion=completion(_KINDS[setting.name]) if setting.name in _KINDS else None,
    )
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )
