"""Supernets judged on a table of 32 architectures."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.settings import Settings
from autosnn_nni.scoring.ranking import Judged
from autosnn_nni.strategies import Fitness, Measurements, knee
from autosnn_nni.table.judge import regret_of_all
from autosnn_nni.table.scores import Scores, Truth
from autosnn_nni.table.supernets import TRAINED, check_comparable, table5
from autosnn_nni.table.table import Table
from tests.autosnn_nni.table.made import VALUES, packed_in, table

Autosnn = Callable[..., Any]
TABLE, FITNESS = table(), Fitness(-0.2)
TRUTH = Truth(TABLE, FITNESS)
#: Without each of the seeds, which a search has seen in turn.
TRUTHS = [Truth(TABLE, FITNESS, seen) for seen in range(2)]
#: Settings with which the plan's supernet trains.
SUPERNET = (
    *("--dataset", "digits", "--images", 100, "--channels", 2, "--timesteps", 2),
    *("--candidates", "skip,SCB_k3", "--batch-size", 40, "--supernet-epochs", 1),
)


def supernet(sign: int) -> list[Judged]:
    """One that scores as the tests do, or by the reciprocals."""
    tests = {blocks: TABLE.tested(blocks) for blocks in TABLE.architectures}
    return [
        Judged(blocks, test.accuracy**sign, test.spikes**sign, test.accuracy, test.spikes)
        for blocks, test in tests.items()
    ]


def test_a_rank_is_a_place_by_fitness() -> None:
    ordered = sorted(TABLE.architectures, key=TRUTH.regret)
    assert [TRUTH.rank(blocks) for blocks in ordered] == list(range(1, 33))


def test_a_perfect_supernet_finds_the_best() -> None:
    found = table5(TABLE, supernet(1), FITNESS, TABLE.average_spikes, seeds=2)
    names = [f"supernet, {name}" for name in ("random", "evolution", "predictor")]
    with_supernet = found[found["search"].isin(names)]
    assert list(with_supernet["search"].unique()) == names
    best = TABLE.optimum(-0.2)
    for seed, rows in with_supernet.groupby("seed"):
        truth = TRUTHS[int(str(seed))]
        assert (rows["rank"] == truth.rank(best)).all()
        assert (rows["regret"] == truth.regret(best)).all()


def test_a_supernet_that_ranks_backwards_finds_the_worst() -> None:
    found = table5(TABLE, supernet(-1), FITNESS, TABLE.average_spikes, seeds=1)
    worst = max(TABLE.architectures, key=TRUTH.regret)
    assert list(found["rank"])[1:4] == [TRUTHS[0].rank(worst)] * 3
    assert list(found["regret"])[1:4] == [TRUTHS[0].regret(worst)] * 3


def test_the_knee_is_that_of_what_the_evolution_has_evaluated() -> None:
    found = table5(TABLE, supernet(1), FITNESS, TABLE.average_spikes, seeds=1)
    (row,) = found[found["search"] == "supernet, evolution, knee"].itertuples()
    scored = {}
    for one in supernet(1):  # all 32 are evaluated
        measured = Measurements(accuracy=one.supernet_accuracy, spikes=one.supernet_spikes)
        scored[measured] = one.blocks
    middle = knee([*scored])
    assert middle is not None
    assert row.rank == TRUTHS[0].rank(scored[middle])


def test_the_finalists_of_an_evolution_are_trained_and_the_fittest_is_taken() -> None:
    accuracy = Fitness(0.0)  # where architectures differ by more than two trainings of one do
    found = table5(TABLE, supernet(-1), accuracy, TABLE.average_spikes, seeds=2)
    three, ten = (
        found[found["search"] == f"supernet, evolution, {count} finalists and the knee"]
        for count in (3, 10)
    )
    assert len(three) == len(ten) == 2
    # A supernet that is wrong is corrected by what is trained.
    assert ten["rank"].max() < three["rank"].min() < len(TABLE.architectures)


def test_without_a_supernet_the_fittest_of_the_trained_is_taken() -> None:
    found = table5(TABLE, supernet(1), FITNESS, TABLE.average_spikes, seeds=3)
    trained = found[found["search"] == f"{TRAINED} random, trained"]
    for seed, row in trained.set_index("seed").iterrows():
        drawn = TABLE.choices.unseen(Random(int(str(seed))), TRAINED, set())
        scores = Scores(TABLE, FITNESS, int(str(seed)) % 2)
        best = max(drawn, key=lambda blocks: scores(blocks)["default"])
        truth = TRUTHS[int(str(seed)) % 2]
        assert (row["rank"], row["regret"]) == (truth.rank(best), truth.regret(best))


def test_with_all_trained_the_one_that_looks_fittest_is_taken() -> None:
    found = table5(TABLE, supernet(1), FITNESS, TABLE.average_spikes, seeds=4)
    rows = found[found["search"] == "all 32, trained"]
    assert len(rows) == 2  # a third time would be the first again
    assert rows["regret"].mean() == pytest.approx(regret_of_all(TABLE, FITNESS))


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return packed_in(tmp_path)


@pytest.mark.slow
def test_a_run_is_judged_by_the_whole_table(autosnn: Autosnn, tmp_path: Path, packed: Path) -> None:
    run = tmp_path / "run"
    assert autosnn("supernet", *SUPERNET, "--output", run).code == 0
    outcome = autosnn("trust", run, "--table", packed)
    assert outcome.code == 0, outcome.err
    for text in ("Of 32 architectures", "supernet, evolution", "Kendall's tau", "ceiling"):
        assert text in outcome.out
    rows = pd.read_csv(run / "trust.csv")
    assert len(rows) == 32
    for _, row in rows.iterrows():
        blocks = tuple(row[[f"tbd{place}" for place in range(1, 6)]])
        tests = [Table(packed).tested(blocks, seed) for seed in (0, 1)]
        assert [row["accuracy_1"], row["accuracy_2"]] == [test.accuracy for test in tests]
    again = autosnn("trust", run, "--table", packed)
    assert again.out == outcome.out

    outcome = autosnn("trust", run, "--table", packed, "--sample", 3)
    assert (outcome.code, outcome.out) == (2, "")
    assert "leave --sample and --seeds out" in outcome.err


@pytest.mark.slow
def test_a_run_of_other_networks_is_refused(autosnn: Autosnn, tmp_path: Path, packed: Path) -> None:
    run = tmp_path / "run"
    assert autosnn("supernet", *SUPERNET, "--neuron", "IF", "--output", run).code == 0
    outcome = autosnn("trust", run, "--table", packed)
    assert (outcome.code, outcome.out) == (2, "")
    assert "its neuron is 'IF', the table's 'PLIF'" in outcome.err


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"images": 90}, "its images is 90, the table's 100"),
        ({"averages": "mean"}, "its averages is 'mean', the table's 'sum'"),
        ({"channels": 4}, "its channels is 4, the table's 2"),
        ({"fitness": "synops"}, "the cost in the fitness is spikes, not synops"),
    ],
)
def test_other_networks_are_refused(other: dict[str, object], said: str, tmp_path: Path) -> None:
    check_comparable(RunDirectory(tmp_path, Settings.named({**VALUES, "loss": "tet"})), TABLE)
    run = RunDirectory(tmp_path, Settings.named({**VALUES, **other}))
    with pytest.raises(UserError, match=said):
        check_comparable(run, TABLE)
