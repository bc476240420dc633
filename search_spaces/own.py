"""Which classes and functions are the package's own."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn


def package_of(definition: Any) -> str:
    """The package in which a class or a function is defined."""
    name: str = definition.__module__
    return name.partition(".")[0]


PACKAGE = package_of(package_of)


def is_own(module: nn.Module) -> bool:
    """Whether a module's class is the package's: a plugin's subclass may compute something else."""
    return package_of(type(module)) == PACKAGE


def is_builtin(factory: Callable[..., Any]) -> bool:
    """Whether what makes blocks or neurons is the package's own."""
    while isinstance(factory, partial):
        factory = factory.func
    return package_of(factory) == PACKAGE
