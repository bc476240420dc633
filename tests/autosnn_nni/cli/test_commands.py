"""What the commands tell: the same numbers wherever they are asked for."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.data import DATASETS
from autosnn_nni.energy import energies
from autosnn_nni.files import read_json
from autosnn_nni.search_spaces import BLOCKS, NETWORKS, NEURONS, OPERATIONS, SURROGATES
from autosnn_nni.strategies import SEARCHES
from autosnn_nni.training.checkpoints import load_checkpoint
from autosnn_nni.training.schedules import SCHEDULES
from tests.search_spaces.fixtures import SEARCHED

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
PAPER_WINNER = "SRB_k5,SRB_k5,skip,SRB_k3,SRB_k5"
SKIPS = ",".join(["skip"] * 5)
NUMBERS = ("accuracy", "spikes", "neuron_spikes", "firing_rate", "layers", "parameters", "blocks")


def answer(outcome: Any) -> dict[str, Any]:
    """The one JSON object of a command that has succeeded without a word beside it."""
    assert (outcome.code, outcome.err) == (0, "")
    value = json.loads(outcome.out)
    assert isinstance(value, dict)
    return value


def test_the_papers_architecture_has_its_size(autosnn: Autosnn) -> None:
    told = answer(autosnn("describe", "--blocks", PAPER_WINNER, "--json"))
    assert round(told["parameters"] / 1e6, 2) == 0.42  # Table 3, C = 16
    assert told["blocks"] == PAPER_WINNER.split(",")
    assert told["neurons"] > 0
    assert told["spikes"] > 0
    assert (told["space"], told["channels"], told["timesteps"]) == ("SNN_1", 16, 8)
    assert (told["neuron"], told["image"]) == ("PLIF", [3, 32, 32])
    assert "untrained weights" in told["spikes_measured_on"]


def test_a_person_reads_the_same_numbers(autosnn: Autosnn) -> None:
    told = answer(autosnn("describe", "--blocks", PAPER_WINNER, "--json"))
    shown = autosnn("describe", "--blocks", PAPER_WINNER).out
    assert f"Parameters: {told['parameters']:,}" in shown
    assert f"Neurons: {told['neurons']:,}" in shown
    assert f"Spikes per image: {told['spikes']:,.1f}" in shown
    assert all(stage["name"] in shown for stage in told["stages"])


def test_describe_follows_its_options(autosnn: Autosnn) -> None:
    options = ("--space", "SNN_3", "--channels", "8", "--timesteps", "3", "--neuron", "LIF")
    blocks = ",".join(["SCB_k3"] * 8)
    told = answer(
        autosnn("describe", "--blocks", blocks, *options, "--dataset", "digits", "--json")
    )
    assert (told["space"], told["channels"], told["timesteps"]) == ("SNN_3", 8, 3)
    assert (told["neuron"], told["image"], len(told["blocks"])) == ("LIF", [1, 8, 8], 8)
    assert told["macs"] == 8 * 1 * 22**2  # of the stem: its 3x3 windows on 8x8 pixels
    assert told["energy"] == energies(told["synops"], told["macs"])


@pytest.mark.parametrize(
    ("network", "channels", "parameters"),
    [("CIFARNet-Fang", 64, 2_335_176), ("AutoSNN-0.08", 32, 1_462_954)],
)
def test_a_network_is_described_by_its_name(
    network: str, channels: int, parameters: int, autosnn: Autosnn
) -> None:
    told = answer(
        autosnn(
            "describe", "--network", network, "--channels", channels, "--timesteps", 1, "--json"
        )
    )
    assert (told["parameters"], told["channels"]) == (parameters, channels)


def test_a_network_made_by_hand_is_trained_and_evaluated(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    trained = autosnn("train", "--network", "ResNet11-Lee", "--output", run, *tiny)
    assert trained.code == 0, trained.err
    assert "ResNet11-Lee" in trained.out
    result = read_json(run / "result.json")
    assert (result["space"], result["blocks"]) == ("ResNet11-Lee", [])
    told = answer(autosnn("evaluate", run, "--json"))
    assert {key: told[key] for key in NUMBERS} == {key: result[key] for key in NUMBERS}
    assert autosnn("evaluate", run).out.startswith("ResNet11-Lee: ")
    assert "ResNet11-Lee" in (run / "report.html").read_text()


@pytest.mark.slow
def test_the_winner_of_a_search_without_spiking_neurons_is_given_them(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    """Table 7's conversion."""
    ann, snn = tmp_path / "ann", tmp_path / "snn"
    found = autosnn("search", "--output", ann, *tiny, "--neuron", "ANN", "--lambda", "0")
    assert found.code == 0, found.err
    candidates = pd.read_csv(ann / "candidates.csv")
    assert (candidates["spikes"] == 0).all()
    assert (candidates["fitness"] == candidates["accuracy"]).all()
    command = ("train", "--architecture", ann / "best.json", "--output", snn, *tiny)
    assert autosnn(*command).code == 0
    result, winner = read_json(snn / "result.json"), read_json(ann / "best.json")
    assert result["blocks"] == winner["blocks"]
    assert result["spikes"] > 0
    assert (result["activations"], read_json(ann / "result.json")["layers"]) == ([], [])
    names = [layer["name"] for layer in read_json(ann / "result.json")["activations"]]
    assert [name for name in names if "pool" not in name] == [
        layer["name"] for layer in result["layers"] if layer["kind"] == "neuron"
    ]


EVENTS = ("--dataset", "digitsDVS", "--images", 50, "--channels", 2, "--timesteps", 2)


@pytest.mark.slow
def test_events_are_trained_on_and_searched_on(tmp_path: Path, autosnn: Autosnn) -> None:
    epochs = ("--supernet-epochs", 1, "--retrain-epochs", 1)
    fang, run = tmp_path / "fang", tmp_path / "run"
    command = ("train", "--network", "CIFARNet-Fang-DVS4", *EVENTS, *epochs, "--output", fang)
    outcome = autosnn(*command)
    assert outcome.code == 0, outcome.err
    assert read_json(fang / "result.json")["stages"][0]["size"] == 128
    searched = autosnn(
        "search",
        "--strategy",
        "random",
        "--rounds",
        1,
        "--no-baselines",
        *EVENTS,
        *epochs,
        "--output",
        run,
    )
    assert searched.code == 0, searched.err
    result = read_json(run / "result.json")
    assert [stage["size"] for stage in result["stages"][:5]] == [128, 64, 64, 32, 32]
    layers = {layer["name"]: layer for layer in result["layers"]}
    assert layers["stem_block1"]["neurons"] == 2 * 64 * 64
    assert result["timesteps"] == 2


def test_describe_with_a_run_is_what_its_search_has_measured(
    finished: Path, autosnn: Autosnn
) -> None:
    best = read_json(finished / "best.json")
    command = ("describe", "--run", finished, "--blocks", ",".join(best["blocks"]))
    told = answer(autosnn(*command, "--json"))
    assert (told["accuracy"], told["spikes"]) == (best["accuracy"], best["spikes"])
    assert (told["channels"], told["timesteps"], told["image"]) == (2, 2, [1, 8, 8])
    assert "D_val of digits" in told["spikes_measured_on"]
    assert told["synops"] > told["spikes"]
    assert told["energy"] == energies(told["synops"], told["macs"])
    assert f"{100 * best['accuracy']:.2f} %" in autosnn(*command).out


def test_every_candidate_can_be_described_again(finished: Path, autosnn: Autosnn) -> None:
    for _, row in pd.read_csv(finished / "candidates.csv").iloc[[0, 19, 39]].iterrows():
        blocks = ",".join(row[f"tbd{number}"] for number in range(1, 6))
        told = answer(autosnn("describe", "--run", finished, "--blocks", blocks, "--json"))
        assert (told["accuracy"], told["spikes"]) == (row["accuracy"], row["spikes"])


def test_a_block_that_the_supernet_lacks_is_named(finished: Path, autosnn: Autosnn) -> None:
    blocks = SKIPS.replace("skip", "SIB_k3_e1", 1)
    for command in (("describe", "--run"), ("evaluate",)):
        outcome = autosnn(*command, finished, "--blocks", blocks)
        assert outcome.code == 2
        assert "has no SIB_k3_e1; it has skip, SCB_k3" in outcome.err


def test_evaluate_gives_the_runs_own_result(finished: Path, autosnn: Autosnn) -> None:
    result = read_json(finished / "result.json")
    for trained in (finished, finished / "retrained.ckpt"):
        told = answer(autosnn("evaluate", trained, "--json"))
        assert {key: told[key] for key in NUMBERS} == {key: result[key] for key in NUMBERS}


def test_evaluate_shows_a_person_every_layer(finished: Path, autosnn: Autosnn) -> None:
    result = read_json(finished / "result.json")
    outcome = autosnn("evaluate", finished)
    assert outcome.err == ""
    assert ", ".join(result["blocks"]) in outcome.out
    assert f"{100 * result['accuracy']:.2f} % test accuracy" in outcome.out
    assert re.search(r"; \d+\.\d\d ms per image", " ".join(outcome.out.split()))
    assert all(layer["name"] in outcome.out for layer in result["layers"])


def test_evaluate_takes_a_path_of_the_supernet(finished: Path, autosnn: Autosnn) -> None:
    """On the test split, so that only their makers' counts equal those of the search."""
    of_run = answer(autosnn("evaluate", finished, "--blocks", PAPER_WINNER, "--json"))
    of_checkpoint = answer(
        autosnn("evaluate", finished / "supernet.ckpt", "--blocks", PAPER_WINNER, "--json")
    )
    assert all(told.pop("milliseconds_per_image") > 0 for told in (of_run, of_checkpoint))
    assert of_run == of_checkpoint
    assert of_run["blocks"] == PAPER_WINNER.split(",")
    other = answer(autosnn("evaluate", finished, "--blocks", SKIPS, "--json"))
    assert other["spikes"] < of_run["spikes"]
    counted = ("describe", "--dataset", "digits", "--channels", 2, "--timesteps", 2)
    described = answer(autosnn(*counted, "--blocks", PAPER_WINNER, "--json"))
    for key in ("parameters", "neurons", "pool_outputs", "stages"):
        assert of_run[key] == described[key]


@pytest.mark.parametrize(
    ("trained", "blocks", "fault"),
    [
        ("supernet.ckpt", (), "is a supernet; name one of its architectures with --blocks"),
        ("retrained.ckpt", ("--blocks", SKIPS), "leave out --blocks"),
        ("supernet.ckpt", ("--blocks", "skip"), "5 TBD blocks, but 1 blocks were given"),
    ],
)
def test_evaluate_says_which_blocks_it_needs(
    trained: str, blocks: Args, fault: str, finished: Path, autosnn: Autosnn
) -> None:
    outcome = autosnn("evaluate", finished / trained, *blocks)
    assert outcome.code == 2
    assert fault in outcome.err


def test_a_checkpoint_needs_no_run_beside_it(
    finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    alone = tmp_path / "mine.ckpt"
    alone.write_bytes((finished / "retrained.ckpt").read_bytes())
    told = answer(autosnn("evaluate", alone, "--json"))
    assert told["accuracy"] == read_json(finished / "result.json")["accuracy"]
    assert list(tmp_path.iterdir()) == [alone]


def test_an_unfinished_run_has_nothing_to_evaluate(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    run = tmp_path / "run"
    assert autosnn("supernet", "--output", run, *tiny).code == 0
    outcome = autosnn("evaluate", run)
    assert outcome.code == 2
    assert f"{run} is not done (searching): run its command again to finish it" in outcome.err


def test_train_equals_the_searchs_stage_3(
    finished: Path, tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    """By blocks or by best.json, which brings space, channels and timesteps along."""
    blocks = ",".join(read_json(finished / "best.json")["blocks"])
    by_blocks = autosnn("train", "--output", tmp_path / "a", *tiny, "--blocks", blocks)
    rest = (*tiny[4:], "--architecture", finished / "best.json")
    by_file = autosnn("train", "--output", tmp_path / "b", *rest)
    assert by_blocks.code == by_file.code == 0
    result = (finished / "result.json").read_bytes()
    for run in ("a", "b"):
        assert (tmp_path / run / "result.json").read_bytes() == result
        assert (tmp_path / run / "report.html").exists()
        assert not (tmp_path / run / "supernet.ckpt").exists()
    assert read_json(tmp_path / "b/settings.json") == read_json(tmp_path / "a/settings.json")
    assert load_checkpoint(tmp_path / "a/retrained.ckpt").blocks == tuple(blocks.split(","))


def test_an_option_goes_before_best_json(
    finished: Path, tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    options = (*tiny, "--channels", 4, "--architecture", finished / "best.json")
    assert autosnn("train", "--output", tmp_path / "run", *options).code == 0
    assert read_json(tmp_path / "run/result.json")["channels"] == 4


def test_report_is_written_anew(run: Path, autosnn: Autosnn) -> None:
    names = ("report.html", "layers.csv", "figures/search.png")
    before = {name: (run / name).read_bytes() for name in names}
    (run / "report.html").write_text("old")
    (run / "layers.csv").unlink()
    (run / "figures/search.png").unlink()
    outcome = autosnn("report", run)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"Report: {run}/report.html\n"
    assert (run / "layers.csv").read_bytes() == before["layers.csv"]
    assert (run / "figures/search.png").exists()
    page = (run / "report.html").read_text()
    result = read_json(run / "result.json")
    assert f"{result['parameters']:,}" in page
    assert all(block in page for block in result["blocks"])


@pytest.mark.parametrize(
    ("kind", "registry"),
    [
        ("spaces", SEARCHED),
        ("blocks", BLOCKS),
        ("operations", OPERATIONS),
        ("networks", NETWORKS),
        ("neurons", NEURONS),
        ("surrogates", SURROGATES),
        ("schedules", SCHEDULES),
        ("datasets", DATASETS),
        ("strategies", SEARCHES),
    ],
)
def test_list_prints_a_name_a_line(kind: str, registry: Any, autosnn: Autosnn) -> None:
    outcome = autosnn("list", kind)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == list(registry)


@pytest.mark.slow
def test_the_table_shows_winner_and_baselines(reference: tuple[Path, Any]) -> None:
    run, outcome = reference
    result = read_json(run / "result.json")
    (winner,) = (line for line in outcome.out.splitlines() if f"{result['parameters']:,}" in line)
    assert f"{100 * result['accuracy']:.2f} %" in winner
    assert f"{result['spikes']:,.0f}" in winner
    for block in ("SCB_k3", "SRB_k3"):
        baseline = read_json(run / f"baselines/{block}/result.json")
        assert baseline["blocks"] == [block] * 5
        (line,) = (line for line in outcome.out.splitlines() if f"all {block}" in line)
        assert f"{baseline['parameters']:,}" in line
    assert outcome.out.splitlines()[-1] == "Report: runs/a/report.html"
