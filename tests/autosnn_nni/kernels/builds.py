"""The builds of the kernels that this processor can run."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
import torch

from autosnn_nni.kernels import library

_ALL = ("plain", "avx2", "avx512")
_BEST = library.processor()
BUILDS = _ALL[: _ALL.index(_BEST) + 1] if _BEST else ()

#: Marks tests of the kernels.
built = pytest.mark.skipif(not BUILDS, reason="the kernels were not built")


@contextmanager
def using(build: str) -> Iterator[None]:
    """Run the kernels of ``build``."""
    library.function.cache_clear()
    with mock.patch.object(library, "processor", return_value=build):
        yield
    library.function.cache_clear()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
