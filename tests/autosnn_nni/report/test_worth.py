import math
from pathlib import Path

import pandas as pd
import pytest

from autosnn_nni.report.worth import worths
from autosnn_nni.runs.contents import read_contents


def test_a_block_is_worth_what_its_architectures_have_more_than_all(run: Path) -> None:
    table = pd.read_csv(run / "candidates.csv")
    found = {(one.place, one.block): one for one in worths(read_contents(run))}
    assert len(found) == 25
    group = table[table["tbd2"] == "SRB_k3"]
    one = found["tbd2", "SRB_k3"]
    assert one.count == len(group)
    for column, value in (
        ("accuracy", one.accuracy),
        ("spikes", one.cost),
        ("fitness", one.fitness),
    ):
        assert value == pytest.approx(group[column].mean() - table[column].mean())


def test_the_differences_at_a_place_cancel_out(run: Path) -> None:
    found = [one for one in worths(read_contents(run)) if one.place == "tbd1"]
    assert sum(one.count for one in found) == 200
    assert sum(one.count * one.accuracy for one in found) == pytest.approx(0, abs=1e-9)


def test_without_training_only_the_fitness_is_known(run: Path) -> None:
    rows = "skip,SCB_k3,,20,3.5,1\nSCB_k3,SCB_k3,,30,2.5,1\n"
    header = "tbd1,tbd2,accuracy,spikes,fitness,generation\n"
    (run / "candidates.csv").write_text(header + rows)
    first, *_ = worths(read_contents(run))
    assert (first.place, first.block, first.count, first.fitness) == ("tbd1", "SCB_k3", 1, -0.5)
    assert math.isnan(first.accuracy)
