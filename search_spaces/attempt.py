"""Run a user's code, and say in one line what is wrong with it."""

from collections.abc import Callable
from typing import Any

from autosnn_nni.errors import UserError


def attempt(act: Callable[[], Any], error: Callable[[str], UserError]) -> Any:
    """What a user's code gives; whatever it raises becomes an ``error`` with the reason."""
    try:
        return act()
    except (Exception, SystemExit) as raised:
        reason = str(raised).strip().partition("\n")[0]
        raise error(f"{type(raised).__name__}: {reason}") from raised


def check_factory(what: str, factory: Callable[..., Any]) -> None:
    """Refuse what can't be a key: the results of trying it are kept."""
    attempt(lambda: hash(factory), lambda reason: UserError(f"{what} can't be used: {reason}"))
