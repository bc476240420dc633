"""Every benchmark runs, here at a size that says nothing about speed."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from autosnn_nni.data import DATASETS
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import load_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.search_spaces import network
from autosnn_nni.table import Table
from autosnn_nni.table.measure import measure
from autosnn_nni.table.packed import pack
from autosnn_nni.table.rows import COLUMNS
from tests.autosnn_nni.table.made import PLAN, packed_in
from tests.benchmarks import readers
from tests.benchmarks.table_ceiling import expected, observed

Run = Callable[..., str]
FINISHED = Path(__file__).parents[1] / "runs_of_earlier_versions/0.1.0/finished"

pytestmark = pytest.mark.long


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a benchmark in this process; gives what it prints."""
    monkeypatch.setattr(network, "MULTI_STEP_DEVICES", network.MULTI_STEP_DEVICES)
    monkeypatch.setattr(DATASETS, "_items", dict(DATASETS))

    def benchmark(name: str, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        importlib.import_module(f"tests.benchmarks.{name}").main()
        return capsys.readouterr().out

    return benchmark


def test_compare(run: Run) -> None:
    out = run("compare", "--batch", 2, "--repeats", 2, "--no-memory", "--spikes", 20_000)
    result = re.search(r"reference \((.+), (.+)\) +fast \((.+), (.+)\)", out)
    assert result, out
    accuracy, spikes, fast_accuracy, fast_spikes = map(float, result.groups())
    assert fast_accuracy == accuracy
    assert fast_spikes == pytest.approx(spikes, rel=1e-3)
    assert re.findall(r"^(score|train).* x\d", out, re.MULTILINE) == ["score", "train"]


def test_population(run: Run) -> None:
    options = ("--generations", 1, "--sample", 1, "--images", 4, "--no-memory")
    out = run("population", *options)
    assert re.search(r"20 architectures", out), out


def test_gpu_on_the_cpu(run: Run) -> None:
    size = ("--side", 8, "--channels", 2, "--timesteps", 2, "--batch", 2, "--repeats", 2)
    scoring = ("--heads", 1, "--score-batch", 4, "--score-repeats", 1)
    out = run("gpu", "--device", "cpu", *size, *scoring)
    assert len(re.findall(r"images/s x\d", out)) == 4
    assert "scoring 125 architectures" in out


def test_precision(run: Run) -> None:
    out = run("precision", "--channels", 2, "--timesteps", 2, "--epochs", 1, "--seeds", 1)
    for name in ("float32", "TF32", "bf16"):
        assert name in out


def test_surrogates(run: Run, tmp_path: Path) -> None:
    data = ("--output", tmp_path, "--dataset", "digits", "--images", 50, "--blocks", "skip")
    size = ("--channels", 2, "--timesteps", 2, "--epochs", 1, "--learning-rate", 0.001)
    out = run("surrogates", *data, *size, "--seeds", 2)
    assert len(re.findall(r"^\| 0.001 \| (?:atan|triangle) \| 2 \|", out, re.MULTILINE)) == 2
    assert run("surrogates", *data, *size, "--seeds", 2) == out


def test_rates(run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "rates.png"
    out = run("rates", picture, "--rates", 0.1, "--batch", 2, "--repeats", 2)
    assert len(re.findall(r"^rate 0\.\d+: training step \d+ ms", out, re.MULTILINE)) == 1
    assert picture.stat().st_size > 1000


@pytest.mark.parametrize("kind", [(), ("--supernet",)], ids=["network", "supernet"])
def test_recipes(kind: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    output = tmp_path / "recipes.csv"
    size = ("--images", 50, "--channels", 2, "--timesteps", 2, "--epochs", 2, "--seeds", 2)
    size += ("--architectures", 5)
    changed = "schedule=one-cycle,batch=20,averages=mean,fc=3,alpha=3,decay=1e-4"
    names = ("paper", f"{changed},smoothing=.1,average=.9,early=1")
    run("recipes", *names, "--output", output, "--dataset", "digits", *size, *kind)
    rows = pd.read_csv(output)
    assert rows["recipe"].tolist() == [names[0]] * 2 + [names[1]] * 2
    assert rows["accuracy"].between(0, 1).all()
    before = output.read_bytes()
    run("recipes", *names, "--output", output, "--dataset", "digits", *size, *kind)
    assert output.read_bytes() == before


@pytest.mark.data
def test_table_noise(run: Run, tmp_path: Path) -> None:
    few = "images=60,channels=2,retrain_epochs=1,calibration_batches=1"
    settings = few, f"{few},schedule=cosine,timesteps=1"
    arguments = ("SNN_1/fashion14", *settings, "--output", tmp_path / "noise.csv")
    arguments = (*arguments, "--architectures", 3)
    out = run("table_noise", *arguments)
    for setting in settings:
        found = re.findall(rf"^{setting} .* (accuracy|spikes): mean ", out, re.MULTILINE)
        assert found == ["accuracy", "spikes"]
    assert "first 1\n" in out  # with itself
    assert run("table_noise", *arguments) == out


def test_table_rows(run: Run, tmp_path: Path) -> None:
    data = load_data(RunDirectory(tmp_path, PLAN.settings), Machine())
    rows = [row for task in PLAN.tasks[:2] for row in measure(task, PLAN, data)]
    measured, path = pd.DataFrame(rows, columns=list(COLUMNS)), tmp_path / "two.json"
    pack("two", PLAN, measured, path)
    assert "2 of 2 are the same" in run("table_rows", path)
    measured.loc[1, "val_spikes"] += 0.5
    pack("two", PLAN, measured, path)
    out = run("table_rows", path)
    assert "differs: val_spikes by 0.5\n" in out
    assert "1 of 2 are the same" in out


def test_supernets(run: Run, tmp_path: Path) -> None:
    table, folder, output = packed_in(tmp_path), tmp_path / "supernets", tmp_path / "judged.csv"
    names = (
        "same",
        "sampling=fair,loss=tet,average=0.9",
        "decay=1,groups=2,schedule=cosine",
        "split=skip:2",
    )
    arguments = ("train", table, folder, *names, "--epochs", 2, "--seeds", 1)
    assert "split=skip:2_2_0.json" in run("supernets", *arguments)
    assert not run("supernets", *arguments)  # all are there
    assert "split=skip:2" in run("supernets", "judge", table, folder, "--output", output)
    rows = pd.read_csv(output)
    supernets = rows[rows["rank"].notna()]
    assert supernets["recipe"].tolist() == sorted(names)
    assert supernets["rank"].between(1, 32).all()
    assert rows[["tau_spikes", "tau_fitness"]].abs().le(1).all(axis=None)
    assert (rows["first"] <= rows["of_three"]).all()
    skips = rows[rows["recipe"] == "skips"]
    assert (rows.drop(skips.index)["trainings"] > 0).all()
    assert output.with_suffix(".png").stat().st_size > 10_000
    known = Table(table)
    counts = [one.count("skip") for one in known.architectures]
    spikes = [known.tested(one).spikes for one in known.architectures]
    assert skips["tau_spikes"].item() == pytest.approx(-kendalltau(counts, spikes).statistic)
    regressions = rows[rows["rank"].isna()].groupby("recipe")["tau_accuracy"].mean()
    assert regressions["20 trained"] > regressions["10 trained"]
    times = rows[rows["recipe"] == "20 trained"].groupby("epochs")["trainings"].first()
    assert list(times.index) == [epoch for epoch in Table(table).plan.epochs if epoch]
    assert times.iloc[-1] == pytest.approx(20)
    assert times.is_monotonic_increasing
    assert (rows["regret_10"] <= rows["regret"])[rows["rank"].notna()].mean() >= 0.5
    before = output.read_bytes()
    run("supernets", "judge", table, folder, "--output", output)
    assert output.read_bytes() == before


def test_tried_searches(tmp_path: Path) -> None:
    """In a process of its own: they would stay registered in this one."""
    plugin = Path(__file__).with_name("tried_searches.py")
    command = [Path(sys.executable).with_name("autosnn"), "table", "judge", packed_in(tmp_path)]
    options = ["--seeds", "2", "--plugin", plugin, "--output", tmp_path / "judge"]
    subprocess.run([*command, *options], check=True, cwd=tmp_path)
    found = pd.read_csv(tmp_path / "judge/judge.csv")
    assert {"local", "predictor", "predictor_10_10", "predictor_30_10"} < set(found["search"])
    local = found[found["search"] == "local"].set_index(["seed", "evaluations"])
    assert (local["front"].xs(200, level="evaluations") == 1).all()  # it gets everywhere


def test_table_card(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "card.png"
    out = run("table_card", packed_in(tmp_path), "--output", output)
    table = Table(tmp_path / "small.json")
    assert out.startswith(f"{(table.rows['epoch'] == table.plan.epochs[-1]).sum()} trainings, ")
    for name, known in table.seeds_tau().items():
        line = re.search(rf"^{name}: mean .* tau (\S+)  ceiling", out, re.MULTILINE)
        assert line, out
        assert float(line[1]) == pytest.approx(known, abs=1e-3)
    assert len(re.findall(r"skip, skip, skip, skip, skip +5 ", out)) == 1  # the fewest spikes
    assert output.stat().st_size > 10_000


def test_table_ceiling(run: Run, tmp_path: Path) -> None:
    normal = np.random.default_rng(0).normal(size=(4000, 6))
    seeds = pd.DataFrame(normal[:, :1] + normal[:, 1:])  # two seeds correlate with 0.5
    assert observed(seeds, 1, 1) == pytest.approx(1 / 3, abs=0.01)
    for k, m in ((1, 2), (2, 2), (2, 3), (1, 4)):
        assert observed(seeds, k, m) == pytest.approx(expected(0.5, k, m), abs=0.01)
    out = run("table_ceiling", packed_in(tmp_path))
    assert "accuracy: 2 architectures with 3 seeds, r = " in out
    assert out.count("means of 1 and 2: expected ") == 2


@pytest.mark.data
def test_operations(run: Run) -> None:
    networks = ("CIFARNet-Fang-DVS5", "VGG9-BNTT")
    out = run("operations", "--repeats", 1, "--images", 8, "--networks", *networks)
    assert re.search(r"^scoring .* s, counting operations .* s: \d", out, re.MULTILINE)
    assert re.search(r"^CIFARNet-Fang-DVS5 +nir .* s  torch .* s  onnx .* s$", out, re.MULTILINE)
    assert "BatchNormThroughTime2d" in out


def test_readers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "NETWORKS", {"SNN_4": ("skip",) * 5})
    out = run("readers")
    assert "| SNN_4 | LIF | 0 | 0 | 0 | 0 |" in out
    assert "| SNN_4 | IF | 0 | 0 | 0 | refused: r != 1 not supported |" in out


def test_start(run: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(FINISHED, tmp_path / "run")
    out = run("start", folder, "--repeats", 1)
    assert re.search(r"\| autosnn list networks \| \d", out), out
