import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.runs.machine import Machine


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("1000", 1000), ("3k", 3072), ("500M", 500 * 2**20), ("2G", 2**31)]
)
def test_memory_is_bytes_or_has_a_unit(text: str, size: int) -> None:
    assert Machine(cache_memory=text).cache_bytes == size


@pytest.mark.parametrize("text", ["", "lots", "-1", "1.5G", "2GB"])
def test_other_memory_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--cache-memory must be bytes or a size such as 500M"):
        Machine(cache_memory=text)
