"""The version of the package, which ``pyproject.toml`` names."""

from importlib.metadata import version

#: Three numbers, as in "0.1.0".
__version__ = version("autosnn-nni")
