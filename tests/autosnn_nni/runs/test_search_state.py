"""A search's state, and the table beside it."""

import itertools
from pathlib import Path

import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.runs.directory import open_run
from autosnn_nni.runs.search_state import load_history, save_history
from autosnn_nni.strategies import Evaluated, History


def evaluated(count: int) -> History:
    """``count`` architectures, two in each generation."""
    choices = itertools.product(("skip", "SCB_k3"), repeat=5)
    return History(
        Evaluated(blocks, 0.5, 1 + number // 2, accuracy=0.5, spikes=1.0)
        for number, blocks in enumerate(itertools.islice(choices, count))
    )


def test_a_generation_whose_table_is_not_written_is_searched_again(tmp_path: Path) -> None:
    """Else a search that ends with it would leave its table a generation short."""
    run = open_run(tmp_path / "run", {})
    save_history(run, evaluated(2))
    run.candidates.unlink()
    run.candidates.mkdir()
    with pytest.raises(UserError, match=r"cannot write .*candidates\.csv"):
        save_history(run, evaluated(4))
    assert len(load_history(run)) == 2
