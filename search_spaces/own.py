"""Which classes are the package's own."""

from torch import nn


def is_own(module: nn.Module) -> bool:
    """Whether a module's class is the package's: a plugin's subclass may compute something else."""
    return type(module).__module__.partition(".")[0] == __name__.partition(".")[0]
