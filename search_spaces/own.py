"""Which classes and functions are the package's own."""

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
