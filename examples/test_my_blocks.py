"""What my_blocks.py must hold: python -m pytest examples/test_my_blocks.py."""

from pathlib import Path

from autosnn_nni.plugins import load_plugin
from autosnn_nni.testing import BlockContract, SearchContract, SpaceContract

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
