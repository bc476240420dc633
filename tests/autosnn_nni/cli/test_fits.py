"""``autosnn fits``, a search for a chip, and weights of few bits, as a user runs them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autosnn_nni.files import read_json
from autosnn_nni.mapping import fit_of
from autosnn_nni.runs.directory import load_run

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
SPECK = ("--space", "Speck", "--neuron", "IF")


@pytest.fixture(scope="module")
def searched(
    tmp_path_factory: pytest.TempPathFactory, autosnn: Autosnn, tiny: Args
) -> tuple[Path, Any]:
    run = tmp_path_factory.mktemp("chips") / "run"
    candidates = ("--candidates", "skip,SCB_k3,SRB_k3")
    outcome = autosnn("search", "--output", run, *tiny, *SPECK, *candidates, "--chip", "speck")
    assert outcome.code == 0, outcome.err
    return run, outcome


def test_a_search_for_a_chip_evaluates_only_what_fits(searched: tuple[Path, Any]) -> None:
    run, outcome = searched
    assert " architectures fit speck; the others are left out" in outcome.out
    table = pd.read_csv(run / "candidates.csv")
    config = load_run(run).settings.network
    blocks = table[[f"tbd{number}" for number in range(1, 6)]]
    assert len(blocks) > 20
    assert not (blocks == "SRB_k3").any(axis=None)
    for row in blocks.itertuples(index=False):
        assert fit_of(config, tuple(row), "speck", pixels=True).fits


def test_it_says_what_a_layer_needs(searched: tuple[Path, Any], autosnn: Autosnn) -> None:
    run, _ = searched
    outcome = autosnn("fits", run, "--chip", "speck")
    assert outcome.code == 0, outcome.err
    assert "SynSense" in outcome.out
    assert "fc_neuron" in outcome.out
    assert "The host computes stem_conv, stem_neuron" in outcome.out
    assert "of 9 cores" in outcome.out


def test_a_network_that_does_not_fit_ends_with_1(autosnn: Autosnn) -> None:
    blocks = ("--blocks", "SRB_k3,skip,skip,skip,skip", "--dataset", "digits", "--channels", 4)
    outcome = autosnn("fits", *blocks, "--chip", "speck")
    assert outcome.code == 1
    assert "It does not fit: leaky neurons; IF neurons have no leak" in outcome.out
    assert "It does not fit: a max-pool (pool1, pool2, pool3)" in outcome.out
    every = autosnn("fits", *blocks)
    assert every.code == 0
    for title in ("Speck", "Loihi 2", "SpiNNaker2", "Akida"):
        assert title in every.out
    found = json.loads(autosnn("fits", *blocks, "--json").out)
    assert found["loihi2"]["fits"]
    assert not found["speck"]["fits"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--blocks", "skip,skip,skip,skip,skip", "--chip", "spek"),
            "unknown chip 'spek'; did you mean 'speck'?",
        ),
        ((), "name one architecture"),
        (("runs/none",), "runs/none"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    arguments: Args, message: str, autosnn: Autosnn
) -> None:
    outcome = autosnn("fits", *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_a_space_that_does_not_fit_at_all_is_refused(
    tmp_path: Path, autosnn: Autosnn, tiny: Args
) -> None:
    outcome = autosnn("search", "--output", tmp_path / "run", *tiny, "--chip", "speck")
    assert outcome.code == 2
    assert "random architectures fits speck: " in outcome.err
    assert not (tmp_path / "run").exists()


def test_an_export_of_few_bits_says_what_they_change(
    searched: tuple[Path, Any], autosnn: Autosnn, tmp_path: Path
) -> None:
    run, _ = searched
    outcome = autosnn("export", run, "--bits", 8, "--output", tmp_path)
    assert outcome.code == 0, outcome.err
    result = read_json(run / "result.json")
    before = f"before {100 * result['accuracy']:.2f} % and {result['spikes']:,.0f}"
    assert "With 8 bits: " in outcome.out
    assert before in outcome.out
    assert (tmp_path / "network.nir").is_file()
