"""Asking a table, compared with pandas."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import to_text
from autosnn_nni.table import Table
from autosnn_nni.table.packed import pack
from tests.autosnn_nni.table.made import PLAN, made_up, packed_in, table

TABLE = table()
#: Means over the seeds after the last epoch at T = 2, by architecture.
ENDS = made_up().query("epoch == 2 and timesteps == 2").groupby("blocks").mean(numeric_only=True)


def test_without_a_seed_the_means_are_given() -> None:
    for text, row in ENDS.iterrows():
        entry = TABLE.query(str(text))
        assert entry.test is not None
        assert entry.test.accuracy == pytest.approx(row["test_accuracy"])
        assert entry.val.spikes == pytest.approx(row["val_spikes"])
        assert entry.parameters == row["parameters"]
        assert TABLE.cost(str(text)) == entry.seconds == row["seconds"]


def test_a_seed_an_epoch_and_timesteps_are_one_row() -> None:
    blocks = PLAN.architectures[0]
    rows = made_up().query(f"blocks == '{to_text(blocks)}'")
    expected = rows.query("seed == 2 and epoch == 1").iloc[0]
    assert TABLE.query(blocks, 2, 1).val.accuracy == expected["val_accuracy"]
    assert TABLE.query(blocks, 2, 1).test is None
    expected = rows.query("timesteps == 1 and epoch == 0").iloc[0]
    untrained = TABLE.query(blocks, epoch=0, timesteps=1)
    assert (untrained.score, untrained.seeds) == (expected["score"], (0,))


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        ({"seed": 2}, "with seed 2"),
        ({"epoch": 3}, "after epoch 3"),
        ({"timesteps": 1}, "at T = 1"),
    ],
)
def test_what_was_not_trained_raises(asked: dict[str, int], missing: str) -> None:
    with pytest.raises(UserError, match=missing):
        TABLE.query(PLAN.architectures[-1], **asked)


def test_other_blocks_raise() -> None:
    with pytest.raises(UserError, match="the table has no SRB_k3, skip"):
        TABLE.query("SRB_k3,skip,skip,skip,skip")


def test_the_front_is_what_nothing_dominates() -> None:
    better = {
        text
        for text, row in ENDS.iterrows()
        if not (
            (ENDS.test_accuracy >= row.test_accuracy)
            & (ENDS.test_spikes <= row.test_spikes)
            & ((ENDS.test_accuracy > row.test_accuracy) | (ENDS.test_spikes < row.test_spikes))
        ).any()
    }
    assert {to_text(blocks) for blocks in TABLE.front()} == better


@pytest.mark.parametrize("coefficient", [0, -0.08, -0.5])
def test_the_optimum_is_the_fittest(coefficient: float) -> None:
    relative = ENDS.test_spikes / ENDS.test_spikes.mean()
    fitness = ENDS.test_accuracy * relative**coefficient
    assert to_text(TABLE.optimum(coefficient)) == fitness.idxmax()


def test_tau_between_seeds_is_scipys() -> None:
    ends = made_up().query("epoch == 2 and timesteps == 2")
    seeds = ends.pivot(index="blocks", columns="seed", values="test_accuracy")
    expected = stats.kendalltau(seeds[0], seeds[1]).statistic
    assert TABLE.seeds_tau()["accuracy"] == pytest.approx(expected)


def test_a_packed_table_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    pack("mine", PLAN, made_up(), path)
    again = Table(path)
    assert again.plan.tasks == PLAN.tasks
    assert again.query(PLAN.architectures[3]) == TABLE.query(PLAN.architectures[3])
    first = path.with_suffix(".csv.gz").read_bytes()
    pack("mine", PLAN, made_up().sample(frac=1, random_state=0), path)
    assert path.with_suffix(".csv.gz").read_bytes() == first  # whatever the order was


def _damage(path: Path) -> None:
    rows = gzip.decompress(path.with_suffix(".csv.gz").read_bytes())
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(rows + b"1"))


def _drop(path: Path) -> None:
    content = json.loads(path.read_text())
    del content["epochs"]
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (_damage, "mine.csv.gz is damaged"),
        (_drop, "is no table"),
        (lambda path: path.with_suffix(".csv.gz").unlink(), "is no table"),
        (lambda path: path.write_text("[]"), "is no table"),
        (lambda path: path.unlink(), "does not exist"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, change: object, wrong: str) -> None:
    path = tmp_path / "mine.json"
    pack("mine", PLAN, made_up(), path)
    change(path)  # type: ignore[operator]
    with pytest.raises(UserError, match=wrong):
        Table(path)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match="unknown table 'mine'; known: SNN_1/fashion14"):
        Table("mine")


def test_a_table_is_packed_into_json_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"written to a \.json file, not to .*mine\.v1"):
        pack("mine", PLAN, made_up(), tmp_path / "mine.v1")
    assert not list(tmp_path.iterdir())


def test_a_path_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = packed_in(tmp_path).rename(tmp_path / "mine")
    (tmp_path / "small.csv.gz").rename(tmp_path / "mine.csv.gz")
    assert Table(path).front() == TABLE.front()
    with pytest.raises(UserError, match="yours does not exist"):
        Table(tmp_path / "yours")


def test_measurements_are_a_data_frame() -> None:
    assert isinstance(TABLE.rows, pd.DataFrame)
