"""What my_blocks.py must hold: python -m pytest examples/test_my_blocks.py."""

from pathlib import Path

from autosnn_nni.plugins import load_plugin
from autosnn_nni.testing import (
    BlockContract,
    ExportContract,
    ObjectiveContract,
    SearchContract,
    SpaceContract,
)

load_plugin(Path(__file__).with_name("my_blocks.py"))


class TestWide(BlockContract):
    """The plugin's block, in the paper's space."""

    names = ("wide",)


class TestSmall(SpaceContract):
    """The plugin's space."""

    names = ("small",)


class TestEvolution(SearchContract):
    """A search: here one of the package, as the plugin has none."""

    names = ("evolution",)


class TestEnergy(ObjectiveContract):
    """An objective: here one of the package."""

    names = ("energy:loihi",)


class TestNir(ExportContract):
    """A format of exports: here one of the package."""

    names = ("nir",)
