"""A search for other objectives than the paper's, from the command line to the report."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.energy import ENERGY
from autosnn_nni.files import read_json
from autosnn_nni.training.checkpoints import load_checkpoint

Autosnn = Callable[..., Any]
Args = tuple[str, ...]

OPTIONS = ("--fitness", "energy:loihi", "--max", "memory=1MiB", "--max", "energy=1J")


@pytest.fixture(scope="module")
def searched(
    tmp_path_factory: pytest.TempPathFactory, autosnn: Autosnn, tiny: Args
) -> tuple[Path, Any]:
    run = tmp_path_factory.mktemp("objectives") / "run"
    outcome = autosnn(
        *("search", "--output", run, *tiny, *OPTIONS),
        *("--strategy", "nsga2", "--objectives", "accuracy,energy:loihi,memory", "--no-baselines"),
    )
    assert outcome.code == 0, outcome.err
    return run, outcome


def test_the_fitness_is_of_the_energy_and_its_average_is_measured(
    searched: tuple[Path, Any],
) -> None:
    run, _ = searched
    table = pd.read_csv(run / "candidates.csv")
    loihi, average = ENERGY["loihi"], load_checkpoint(run / "supernet.ckpt").average
    assert average.synops > 0
    assert average.macs > 0
    energies = [loihi.joules(*pair) for pair in zip(table["synops"], table["macs"], strict=True)]
    assert table["energy:loihi"].tolist() == pytest.approx(energies)
    mean = loihi.joules(average.synops, average.macs)
    expected = table["accuracy"] * (table["energy:loihi"] / mean) ** -0.08
    assert table["fitness"].tolist() == pytest.approx(expected.tolist())
    assert (table["memory"] == table["parameters"]).all()


def test_the_front_is_that_of_all_objectives(searched: tuple[Path, Any]) -> None:
    run, _ = searched
    front, table = pd.read_csv(run / "front.csv"), pd.read_csv(run / "candidates.csv")
    names = ["accuracy", "energy:loihi", "memory"]
    assert list(front)[1:4] == names
    rows = table[names].to_numpy()
    rows[:, 0] *= -1
    best = [row for row in rows if not ((rows <= row).all(1) & (rows < row).any(1)).any()]
    assert len(front) == len(best)
    page = (run / "report.html").read_text()
    assert "Accuracy against energy (loihi) and memory" in page
    assert "Energy per image, Loihi" in page
    assert "--max memory=1MiB --max energy=1J" in page
    for name in ("search.png", "search-memory.png"):
        assert (run / "figures" / name).exists()


def test_the_report_of_a_run_is_the_same_later(
    searched: tuple[Path, Any], autosnn: Autosnn
) -> None:
    run, _ = searched
    before = (run / "report.html").read_text()
    assert autosnn("report", run).code == 0
    assert (run / "report.html").read_text() == before


def test_picking_by_an_objective(searched: tuple[Path, Any], autosnn: Autosnn) -> None:
    run, _ = searched
    table = pd.read_csv(run / "candidates.csv")
    limit = table["energy:loihi"].median()
    allowed = table[table["energy:loihi"] < limit]
    best = allowed["accuracy"].max()
    rule = ("--pick", f"energy:loihi<{limit}J")
    picked = run.parent / "picked"
    outcome = autosnn("train", "--from", run, *rule, "--retrain-epochs", 1, "--output", picked)
    assert outcome.code == 0, outcome.err
    said = " ".join(outcome.out.split())
    assert f"energy:loihi<{limit}J: " in said
    trained = read_json(picked / "result.json")["blocks"]
    (row,) = (one for _, one in table.iterrows() if list(one.iloc[:5]) == trained)
    assert row["accuracy"] == best
    assert row["energy:loihi"] < limit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--objectives", "energy"), "objectives must be accuracy and one or more others"),
        (("--objectives", "accuracy,enrgy"), "unknown objective 'enrgy'; did you mean 'energy'?"),
        (("--fitness", "accuracy"), "the fitness needs a cost of which less is better"),
        (("--max", "energy"), "max must be a name and a value"),
        (("--min", "accuracy=85%", "--strategy", "snasnet"), "does not measure accuracies"),
        (
            ("--min", "accuracy=85"),
            "must be a fraction or a percentage, such as 0.85 or 85%, not 85",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    options: Args, message: str, autosnn: Autosnn, tmp_path: Path
) -> None:
    outcome = autosnn("search", "--output", tmp_path / "run", *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert not (tmp_path / "run").exists()


def test_no_architecture_within_two_constraints_is_an_error_that_names_them(
    searched: tuple[Path, Any], autosnn: Autosnn
) -> None:
    run, _ = searched
    outcome = autosnn("train", "--from", run, "--pick", "energy:loihi<1pJ", "--output", run / "x")
    assert outcome.code == 2
    assert "no evaluated architecture has energy:loihi below 1 pJ; the closest is" in outcome.err
    assert not math.isnan(read_json(run / "best.json")["synops"])


def test_architectures_are_timed_if_that_is_an_objective(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    options = ("--objectives", "accuracy,milliseconds", "--no-baselines", "--rounds", 1)
    outcome = autosnn("search", "--output", run, *tiny, *options)
    assert outcome.code == 0, outcome.err
    table = pd.read_csv(run / "candidates.csv")
    assert (table["milliseconds"] > 0).all()
    assert "Time of an image (ms)" in (run / "report.html").read_text()


PLUGIN = """
from autosnn_nni.energy import ENERGY, EnergyModel
from autosnn_nni.strategies import OBJECTIVES, Objective

def spikes_of_a_neuron():
    return Objective(title="spikes of a neuron", value=lambda one: one.spikes / one.neurons)

OBJECTIVES.add("sparsity", spikes_of_a_neuron)
ENERGY.add("mine", EnergyModel("Mine", 2.0, 4.0, "measured"))
"""


@pytest.mark.slow
def test_a_plugins_objective_outlives_its_file(
    tmp_path: Path, start: Callable[..., Any], tiny: Args
) -> None:
    """In processes of their own: what one registers, the others find in the run's copy."""
    plugin, run = tmp_path / "mine.py", tmp_path / "run"
    plugin.write_text(PLUGIN)
    named = ("--objectives", "accuracy,sparsity", "--max", "sparsity=5", "--fitness", "energy:mine")
    searched = start("search", "--output", run, "--plugin", plugin, *tiny, *named).wait()
    assert searched.code == 0, searched.err
    table = pd.read_csv(run / "candidates.csv")
    assert table["sparsity"].tolist() == pytest.approx(
        (table["spikes"] / table["neurons"]).tolist()
    )
    plugin.unlink()
    reported = start("report", run).wait()
    assert reported.code == 0, reported.err
    assert "Spikes of a neuron" in (run / "report.html").read_text()
