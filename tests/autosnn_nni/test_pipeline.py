"""What a run computes: the same again after any interruption, and with the same seed."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from autosnn_nni.files import read_json
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.run_files import RunFiles
from autosnn_nni.runs.search_state import load_history
from autosnn_nni.strategies import Choices, Finalists
from autosnn_nni.training.checkpoints import load_checkpoint

pytestmark = pytest.mark.slow

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
RESULTS = (
    "best.json",
    "candidates.csv",
    "search.json",
    "result.json",
    "layers.csv",
    "operations.csv",
)
BASELINES = tuple(f"baselines/{block}/result.json" for block in ("SCB_k3", "SRB_k3"))


def rows(csv: Path) -> int:
    return len(pd.read_csv(csv)) if csv.exists() else 0


def in_supernet(run: Path) -> bool:
    return 0 < rows(run / "supernet.csv") < 8


def in_search(run: Path) -> bool:
    return (run / "search.json").exists() and not (run / "best.json").exists()


def in_baseline(run: Path) -> bool:
    baseline = run / "baselines/SCB_k3"
    return (baseline / "retrained.csv").exists() and not (baseline / "result.json").exists()


def in_second_finalist(run: Path) -> bool:
    begun, done = (
        list(run.glob(f"finalists/*/{name}")) for name in ("retrained.csv", "result.json")
    )
    return len(begun) == 2 and len(done) == 1


def in_second_seed(run: Path) -> bool:
    return (run / "seeds/1/retrained.csv").exists() and not (run / "seeds/1/result.json").exists()


def assert_same(
    run: Path,
    other: Path,
    results: Args = (*RESULTS, "finalists.csv", *BASELINES),
    checkpoints: Args = ("supernet", "retrained"),
) -> None:
    for name in results:
        assert (run / name).read_bytes() == (other / name).read_bytes(), name
    for name in checkpoints:
        one, two = (load_checkpoint(folder / f"{name}.ckpt") for folder in (run, other))
        assert one.n_avg == two.n_avg > 0
        assert one.weights.keys() == two.weights.keys() != set()
        assert all(torch.equal(one.weights[key], two.weights[key]) for key in one.weights)
        curves = (pd.read_csv(folder / f"{name}.csv") for folder in (run, other))
        first, second = (curve.drop(columns="seconds") for curve in curves)
        pd.testing.assert_frame_equal(first, second, check_exact=True)


def hidden(run: Path) -> list[str]:
    return [path.name for path in run.rglob(".*") if path.name != ".lock"]


@pytest.mark.parametrize("stage", [in_supernet, in_search, in_second_finalist, in_baseline])
def test_a_killed_run_started_again_finishes_as_if_nothing_had_been(
    stage: Callable[[Path], bool],
    tmp_path: Path,
    start: Autosnn,
    autosnn: Autosnn,
    long: Args,
    reference: tuple[Path, Any],
) -> None:
    run = tmp_path / "run"
    command = ("search", "--output", run, *long)
    killed = start(*command).stop_when(lambda: stage(run), signal.SIGKILL)
    assert killed.code == -signal.SIGKILL
    assert stage(run), "it was killed in another stage"
    again = autosnn(*command)
    assert again.code == 0, again.err
    assert_same(run, reference[0])
    assert hidden(run) == []


def test_ctrl_c_ends_a_stage_with_one_line_and_the_run_goes_on_later(
    tmp_path: Path,
    start: Autosnn,
    autosnn: Autosnn,
    long: Args,
    reference: tuple[Path, Any],
) -> None:
    run = tmp_path / "run"
    command = ("search", "--output", run, *long)
    for stage in (in_search, in_baseline):  # NNI's and Lightning's own handling of it
        stopped = start(*command).stop_when(lambda stage=stage: stage(run), signal.SIGINT)
        assert stopped.code == 128 + signal.SIGINT
        *_, last = stopped.err.splitlines()
        assert last == "autosnn: stopped; run the same command again to resume"
        assert "Traceback" not in stopped.err
        assert stopped.out == ""
        assert stage(run), "it went on after Ctrl-C"
    assert autosnn(*command).code == 0
    assert_same(run, reference[0])
    assert hidden(run) == []


def test_a_run_killed_in_its_second_seed_equals_one_that_was_given_it_later(
    tmp_path: Path,
    start: Autosnn,
    autosnn: Autosnn,
    long: Args,
    reference: tuple[Path, Any],
) -> None:
    run, later = tmp_path / "run", tmp_path / "later"
    command = ("search", "--output", run, *long, "--seeds", 2)
    killed = start(*command).stop_when(lambda: in_second_seed(run), signal.SIGKILL)
    assert killed.code == -signal.SIGKILL
    assert in_second_seed(run), "it was killed in another stage"
    assert autosnn(*command).code == 0
    shutil.copytree(reference[0], later)
    kept = (later / "retrained.ckpt").stat().st_mtime_ns
    assert autosnn("search", "--output", later, "--seeds", 2).code == 0
    assert (later / "retrained.ckpt").stat().st_mtime_ns == kept
    assert not (later / "previous").exists()
    seeds = [name.replace("result", "seeds/1/result") for name in ("result.json", *BASELINES)]
    names = (*RESULTS, *BASELINES, *seeds, "comparison.csv")
    assert_same(run, later, names, ("supernet", "retrained", "seeds/1/retrained"))
    assert hidden(run) == []


def test_a_further_seed_is_beside_the_first(
    reference: tuple[Path, Any], tmp_path: Path, autosnn: Autosnn
) -> None:
    run = shutil.copytree(reference[0], tmp_path / "run")
    before = read_json(run / "result.json")
    files = {path: path.read_bytes() for path in run.rglob("*.json")}
    table = (run / "comparison.csv").read_bytes()
    outcome = autosnn("search", "--output", run, "--seeds", 3)
    assert outcome.code == 0, outcome.err
    for folder in (run, run / "baselines/SCB_k3", run / "baselines/SRB_k3"):
        first, *further = (
            read_json(folder / name)
            for name in ("result.json", "seeds/1/result.json", "seeds/2/result.json")
        )
        assert [one["seed"] for one in (first, *further)] == [0, 1, 2]
        assert first["seeds"] == 3
        for name in ("accuracy", "spikes", "firing_rate"):
            values = pd.Series([one[name] for one in (first, *further)])
            assert values.nunique() > 1 or name == "accuracy"
            assert first[f"{name}_mean"] == pytest.approx(values.mean())
            assert first[f"{name}_std"] == pytest.approx(values.std())
    found = read_json(run / "result.json")
    assert {key: found[key] for key in before} == before
    weights = [load_checkpoint(run / f"{at}retrained.ckpt").weights for at in ("", "seeds/1/")]
    assert any(not torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    shown = f"{100 * found['accuracy_mean']:.1f} ± {100 * found['accuracy_std']:.1f} %"
    assert shown in outcome.out
    assert "mean ± standard deviation of 3 seeds" in outcome.out
    for block in ("SCB_k3", "SRB_k3"):
        (line,) = (one for one in outcome.out.splitlines() if f"against all {block}: " in one)
        assert line.startswith("Winner against all ")
    told = autosnn("evaluate", run / "seeds/1/retrained.ckpt", "--json").out
    assert f'"accuracy": {read_json(run / "seeds/1/result.json")["accuracy"]}' in told

    fewer = autosnn("search", "--output", run, "--seeds", 1)
    assert fewer.err == ""
    assert {path: path.read_bytes() for path in files} == files
    assert (run / "comparison.csv").read_bytes() == table


def test_one_architecture_is_trained_with_several_seeds(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    command = ("train", "--output", tmp_path / "run", "--blocks", "skip,skip,skip,skip,SCB_k3")
    outcome = autosnn(*command, *tiny, "--seed", 5, "--seeds", 2)
    assert outcome.code == 0, outcome.err
    assert "Training, seed 6" in outcome.err
    assert " ± " in outcome.out
    assert "against" not in outcome.out
    result = read_json(tmp_path / "run/result.json")
    assert (result["seed"], result["seeds"]) == (5, 2)
    assert read_json(tmp_path / "run/seeds/6/result.json")["seed"] == 6
    # A seed decides the split of the data only where it is the run's.
    other = autosnn(*command[:2], tmp_path / "other", *command[3:], *tiny, "--seed", 6)
    assert other.code == 0
    splits = [
        read_json(tmp_path / name)["spikes"]
        for name in ("other/result.json", "run/seeds/6/result.json")
    ]
    assert splits[0] != splits[1]


def test_the_same_seed_gives_the_same_run(
    tmp_path: Path, finished: Path, autosnn: Autosnn, tiny: Args
) -> None:
    assert autosnn("search", "--output", tmp_path / "again", *tiny).code == 0
    assert_same(tmp_path / "again", finished, RESULTS)


def test_another_seed_gives_another_run(
    tmp_path: Path, finished: Path, autosnn: Autosnn, tiny: Args
) -> None:
    other = tmp_path / "other"
    assert autosnn("supernet", "--output", other, *tiny, "--seed", 1).code == 0
    assert autosnn("search", "--output", other).code == 0
    one, two = (load_checkpoint(run / "supernet.ckpt") for run in (other, finished))
    assert one.n_avg != two.n_avg
    kernels = [key for key, weights in one.weights.items() if weights.dim() == 4]
    assert kernels
    assert not any(torch.equal(one.weights[key], two.weights[key]) for key in kernels)
    assert (other / "candidates.csv").read_bytes() != (finished / "candidates.csv").read_bytes()
    assert (
        read_json(other / "result.json")["spikes"] != read_json(finished / "result.json")["spikes"]
    )


def test_stages_done_one_by_one_equal_a_whole_run(
    tmp_path: Path, finished: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    assert autosnn("supernet", "--output", run, *tiny).code == 0
    assert not (run / "search.json").exists()
    assert "Supernet" in autosnn("supernet", "--output", run).err  # it is there already
    checkpoint = (run / "supernet.ckpt").read_bytes()
    assert autosnn("search", "--output", run).code == 0
    assert (run / "supernet.ckpt").read_bytes() == checkpoint
    assert_same(run, finished, RESULTS)


def test_a_finished_run_is_not_computed_again(run: Path, autosnn: Autosnn, tiny: Args) -> None:
    before = {name: (run / name).stat() for name in ("supernet.ckpt", "best.json", "result.json")}
    outcome = autosnn("search", "--output", run, *tiny)
    assert outcome.code == 0
    assert outcome.err == ""
    for name, stat in before.items():
        assert (run / name).stat().st_mtime_ns == stat.st_mtime_ns


def test_the_best_is_the_fittest_candidate_and_is_what_is_retrained(finished: Path) -> None:
    candidates = pd.read_csv(finished / "candidates.csv")
    best, result = (read_json(finished / name) for name in ("best.json", "result.json"))
    blocks = candidates[[f"tbd{number}" for number in range(1, 6)]]
    assert len(candidates) == 40
    assert not blocks.duplicated().any()
    assert candidates["generation"].tolist() == [1] * 20 + [2] * 20
    row = candidates.loc[candidates["fitness"].idxmax()]
    assert list(row[blocks.columns]) == best["blocks"] == result["blocks"]
    assert [row[key] for key in ("accuracy", "spikes", "fitness")] == [
        best[key] for key in ("accuracy", "spikes", "fitness")
    ]
    n_avg = load_checkpoint(finished / "supernet.ckpt").n_avg
    expected = candidates["accuracy"] * (candidates["spikes"] / n_avg) ** -0.08
    pd.testing.assert_series_equal(candidates["fitness"], expected, check_names=False)


def test_n_avg_is_the_mean_of_the_supernets_spikes(finished: Path) -> None:
    spikes = pd.read_csv(finished / "supernet.csv")["spikes"]
    n_avg = load_checkpoint(finished / "supernet.ckpt").n_avg
    assert n_avg == pytest.approx(spikes.mean(), rel=1e-6)


def test_the_files_of_a_run_are_those_of_the_contract(reference: tuple[Path, Any]) -> None:
    run, _ = reference
    assert {path.name for path in run.iterdir()} == {
        *(".lock", "settings.json", "data.json", "supernet.ckpt", "supernet.csv"),
        *("search.json", "candidates.csv", "best.json", "front.csv"),
        *("generations.csv", "blocks.csv"),
        *(
            "retrained.ckpt",
            "retrained.csv",
            "result.json",
            "layers.csv",
            "operations.csv",
            "baselines",
        ),
        *("finalists", "finalists.csv"),
        *("comparison.csv", "report.html", "figures", "run.log"),
    }
    best, result = read_json(run / "best.json"), read_json(run / "result.json")
    assert best.keys() == {
        *("format", "version", "space", "channels", "timesteps"),
        *("blocks", "accuracy", "spikes", "synops", "macs", "parameters", "neurons", "fitness"),
    }
    keys = {"accuracy", "spikes", "neuron_spikes", "firing_rate", "layers", "blocks", "parameters"}
    assert keys <= result.keys()
    assert 0 <= result["accuracy"] <= 1
    assert sum(layer["spikes"] for layer in result["layers"]) == pytest.approx(result["spikes"])
    assert "seeds" not in result  # of a single one there is nothing more to say
    assert list(pd.read_csv(run / "comparison.csv")) == [
        *("network", "architecture", "accuracy", "spikes", "parameters", "firing_rate")
    ]


def test_a_run_may_move_to_another_place(run: Path, tmp_path: Path, autosnn: Autosnn) -> None:
    moved = run.rename(tmp_path / "elsewhere")
    assert autosnn("search", "--output", moved, "--lambda", "0").code == 0
    assert read_json(moved / "settings.json")["lambda"] == 0


def test_an_exhaustive_search_has_the_optimum_for_every_lambda(
    tmp_path: Path, autosnn: Autosnn
) -> None:
    run = tmp_path / "run"
    small = ("--channels", 4, "--timesteps", 2, "--neuron", "IF", "--images", 300, "--no-baselines")
    epochs = ("--supernet-epochs", 8, "--retrain-epochs", 1)
    space = ("--candidates", "skip,SCB_k3,SRB_k3", "--strategy", "exhaustive", "--val-images", 40)
    assert autosnn("search", *small, *epochs, *space, "--output", run).code == 0
    candidates = pd.read_csv(run / "candidates.csv")
    blocks = candidates[[f"tbd{number}" for number in range(1, 6)]].agg(", ".join, axis=1)
    assert len(candidates) == blocks.nunique() == 3**5
    assert (candidates["accuracy"] * 40 % 1 == 0).all()
    front = pd.read_csv(run / "front.csv")
    n_avg = load_checkpoint(run / "supernet.ckpt").n_avg
    for lambda_ in (0, -0.08, -0.5, -2):
        fitness = candidates["accuracy"] * (candidates["spikes"] / n_avg) ** lambda_
        within = (front["lowest_lambda"] < lambda_) & (lambda_ <= front["highest_lambda"])
        fittest = blocks == front.loc[within, "architecture"].item()
        assert fitness[fittest].item() == pytest.approx(fitness.max())


def test_finalists_are_trained_and_the_fittest_on_d_val_wins(
    reference: tuple[Path, Any],
) -> None:
    run, outcome = reference
    finalists = pd.read_csv(run / "finalists.csv")
    settings, n_avg = load_run(run).settings, load_checkpoint(run / "supernet.ckpt").n_avg
    fittest = load_history(RunFiles(run)).top(3)
    assert {1, 2, 3} <= set(finalists["rank"])
    assert len(finalists) in (3, 4)  # the knee may be one of the fittest
    fitness = [
        settings.fitness(accuracy, spikes, n_avg)
        for accuracy, spikes in zip(finalists["val_accuracy"], finalists["val_spikes"], strict=True)
    ]
    assert list(finalists["fitness"]) == pytest.approx(sorted(fitness, reverse=True))
    winner, best = read_json(run / "result.json"), read_json(run / "best.json")
    assert winner["blocks"] == best["blocks"] == list(finalists.filter(like="tbd").iloc[0])
    assert winner["val"]["accuracy"] == finalists["val_accuracy"][0]
    for one in fittest:
        files = RunFiles(run).finalist(one.blocks)
        assert files.read_result()["blocks"] == list(one.blocks)
    assert "D_val of digits, after training" in outcome.out
    assert "Finalists" in (run / "report.html").read_text()


def test_finalists_after_the_third_are_learnt_from_those_before(
    tmp_path: Path, autosnn: Autosnn, reference: tuple[Path, Any]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(reference[0], run)
    outcome = autosnn("search", "--retrain-top", 4, "--no-baselines", "--output", run)
    assert outcome.code == 0, outcome.err
    settings, history = load_run(run).settings, load_history(RunFiles(run))
    finalists = pd.read_csv(run / "finalists.csv")
    trained = [tuple(row) for row in finalists.filter(like="tbd").itertuples(index=False)]
    *_, last = outcome.err.split("Training finalist ")
    assert last.startswith(f"{len(trained)} ")
    learnt = Finalists(history, Choices([settings.candidates] * 5), 4)
    others = [[one for one in trained if one != last] for last in trained]
    fittest = {one.blocks for one in history.top(3)}
    (further,) = (
        last
        for last, before in zip(trained, others, strict=True)
        if last not in fittest and learnt.next(before).blocks == last
    )
    assert len(trained) == len(learnt)
    assert fittest | {further} <= set(trained)


def test_fewer_finalists_name_the_winner_of_the_search_again(
    run: Path, finished: Path, autosnn: Autosnn
) -> None:
    for count in (2, 1):
        outcome = autosnn("search", "--retrain-top", count, "--output", run)
        assert outcome.code == 0, outcome.err
        assert (run / "finalists.csv").exists() == (run / "finalists").exists() == (count > 1)
    assert_same(run, finished, RESULTS)
