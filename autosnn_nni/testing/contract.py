"""The base of all contracts: a test for each of the names."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest


class Contract:
    """Tests whose argument ``name`` is each of ``names`` in turn."""

    #: Registered names of what is tested.
    names: ClassVar[Sequence[str]] = ()

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Called by pytest."""
        if "name" in metafunc.fixturenames:
            if not self.names:
                pytest.fail(f"{type(self).__name__} tests nothing: say the names", pytrace=False)
            metafunc.parametrize("name", self.names)
