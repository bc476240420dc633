"""``autosnn trust``: a sample from scratch, the supernet's scores beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.files import read_json, write_json

pytestmark = pytest.mark.slow

Autosnn = Callable[..., Any]
LABELS = [f"tbd{number}" for number in range(1, 6)]


@pytest.fixture(scope="module")
def supernet(make_run: Callable[..., Path], tiny: tuple[str, ...]) -> Path:
    return make_run("supernet", *tiny)


@pytest.fixture(scope="module")
def judged(supernet: Path, autosnn: Autosnn) -> tuple[Path, str]:
    """A run whose supernet has been judged by four architectures, and what was printed."""
    outcome = autosnn("trust", supernet, "--sample", 4)
    assert outcome.code == 0, outcome.err
    return supernet, outcome.out


def table(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "trust.csv")


def test_every_architecture_of_the_sample_is_trained_and_scored(
    judged: tuple[Path, str], autosnn: Autosnn
) -> None:
    run, _ = judged
    rows = table(run)
    assert len(rows) == len(rows[LABELS].drop_duplicates()) == 4
    for _, row in rows.iterrows():
        blocks = [row[label] for label in LABELS]
        folder = run / "trust" / "-".join(blocks)
        results = [read_json(one / "result.json") for one in (folder, folder / "seeds" / "1")]
        for number, result in enumerate(results, start=1):
            assert (result["blocks"], result["seed"]) == (blocks, number - 1)
            trained = row[f"accuracy_{number}"], row[f"spikes_{number}"]
            assert trained == (result["accuracy"], result["spikes"])
        for name in ("accuracy", "spikes"):
            assert row[name] == pytest.approx(fmean(result[name] for result in results))
        described = autosnn("describe", "--run", run, "--blocks", ",".join(blocks)).out
        assert f"{row['supernet_spikes']:,.1f} (D_val of digits" in described
        assert f"Accuracy on D_val: {100 * row['supernet_accuracy']:.2f} %" in described


def test_taus_are_printed_and_shown_in_the_report(judged: tuple[Path, str]) -> None:
    run, out = judged
    for word in ("Kendall's tau", "accuracy", "spikes", "all", "best fifth", "ceiling", "reached"):
        assert word in out
    assert "The supernet's first reaches" in out
    assert out.count("too few") == 4  # for an interval
    assert 'id="trust"' in (run / "report.html").read_text()
    assert (run / "figures/trust.png").read_bytes().startswith(b"\x89PNG")


def test_a_larger_sample_goes_on_from_a_smaller_one(
    judged: tuple[Path, str], autosnn: Autosnn
) -> None:
    run, _ = judged
    before, trained = table(run), {one: one.stat().st_mtime_ns for one in checkpoints(run)}
    assert autosnn("trust", run, "--sample", 5).code == 0
    pd.testing.assert_frame_equal(table(run).head(4), before)
    assert len(checkpoints(run)) == 5 * 2
    assert all(one.stat().st_mtime_ns == time for one, time in trained.items())


def checkpoints(run: Path) -> list[Path]:
    return sorted(run.glob("trust/**/retrained.ckpt"))


def test_another_supernet_is_judged_by_the_same_trainings(
    judged: tuple[Path, str], autosnn: Autosnn, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    run, other = judged[0], tmp_path / "other"
    changed = ("--sampling", "fair", "--batch-norm", "pooled", "--loss", "tet")
    changed += ("--surrogate", "triangle", "--schedule", "cosine", "--learning-rate", "0.02")
    assert autosnn("supernet", "--output", other, *tiny, *changed).code == 0
    outcome = autosnn("trust", run, other, "--sample", 4)
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("Kendall's tau") == 2
    assert not (other / "trust").exists()
    columns = [*LABELS, "accuracy", "spikes"]
    pd.testing.assert_frame_equal(table(other)[columns], table(run)[columns])
    assert (table(other)["supernet_spikes"] != table(run)["supernet_spikes"]).all()


def test_a_supernet_of_other_networks_is_refused(
    judged: tuple[Path, str], autosnn: Autosnn, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert autosnn("supernet", "--output", other, *tiny, "--timesteps", 3).code == 0
    outcome = autosnn("trust", judged[0], other)
    assert outcome.code == 2
    assert "can't be compared with the trained sample of" in outcome.err
    assert "--timesteps is 2 there, 3 here" in outcome.err


def test_trainings_of_another_length_are_not_taken(
    judged: tuple[Path, str], autosnn: Autosnn
) -> None:
    run, _ = judged
    settings = read_json(run / "settings.json")
    write_json(run / "settings.json", {**settings, "retrain_epochs": 3})
    outcome = autosnn("trust", run, "--sample", 4)
    write_json(run / "settings.json", settings)
    assert outcome.code == 2
    assert "was trained for 2 epochs, the run has 3; move" in outcome.err


def test_nor_is_one_of_another_length_resumed(
    judged: tuple[Path, str], autosnn: Autosnn, tmp_path: Path
) -> None:
    run = shutil.copytree(judged[0], tmp_path / "run")
    for result in run.glob("trust/**/result.json"):  # as if the trainings had been killed
        result.unlink()
    settings = read_json(run / "settings.json")
    write_json(run / "settings.json", {**settings, "retrain_epochs": 3})
    outcome = autosnn("trust", run, "--sample", 4)
    assert outcome.code == 2
    assert "was trained for 2 epochs, the run has 3; move" in outcome.err


def test_a_training_of_other_blocks_is_not_taken(
    judged: tuple[Path, str], autosnn: Autosnn
) -> None:
    run, _ = judged
    path = next(run.glob("trust/*/result.json"))
    result = read_json(path)
    write_json(path, {**result, "blocks": ["skip"] * 4 + ["SCB_k3"]})
    outcome = autosnn("trust", run, "--sample", 4)
    write_json(path, result)
    assert outcome.code == 2
    assert f"{path} is of another architecture (skip, skip, skip, skip, SCB_k3); mo" in outcome.err


@pytest.mark.parametrize("sample", [0, -1])
def test_an_empty_sample_is_refused(supernet: Path, autosnn: Autosnn, sample: int) -> None:
    outcome = autosnn("trust", supernet, "--sample", sample)
    assert (outcome.code, outcome.err) == (
        2,
        f"autosnn: --sample must be at least 1, not {sample}\n",
    )


def test_a_run_without_a_supernet_is_refused(autosnn: Autosnn, tmp_path: Path) -> None:
    outcome = autosnn("trust", tmp_path)
    assert outcome.code == 2
    assert "is not a run of autosnn" in outcome.err
