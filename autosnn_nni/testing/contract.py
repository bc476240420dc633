"""The base of all contracts: a test for each of the names; and images to try networks with."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from autosnn_nni.search_spaces import NetworkConfig


class Contract:
    """Tests whose argument ``name`` is each of ``names`` in turn."""

    #: Registered names of what is tested.
    names: ClassVar[Sequence[str]] = ()

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Called by pytest."""
        if "name" in metafunc.fixturenames:
            metafunc.parametrize("name", self.names)


def images(config: NetworkConfig, count: int = 4) -> Tensor:
    """Random images for a network: float64 ``[count, C, H, W]``, always the same."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *config.shape, generator=generator, dtype=torch.float64)
