"""Energy models."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.energy import ENERGY, EnergyModel
from autosnn_nni.files import read_json


def test_the_energy_is_that_of_all_operations() -> None:
    model = EnergyModel("a chip", 2.0, 5.0, "nobody")
    assert model.joules(1000, 100) == pytest.approx(2.5e-9)


def test_a_45_nm_process_has_the_numbers_that_papers_use() -> None:
    assert ENERGY["cmos45"].joules(1e12, 0) == pytest.approx(0.9)
    assert ENERGY["cmos45"].joules(0, 1e12) == pytest.approx(4.6)


@pytest.mark.parametrize("name", ENERGY)
def test_every_model_says_where_it_is_from(name: str) -> None:
    assert ENERGY[name].source
    assert 0 < ENERGY[name].synop <= ENERGY[name].mac


def test_a_result_has_the_energy_of_its_operations(finished: Path) -> None:
    result = read_json(finished / "result.json")
    assert result["synops"] == pytest.approx(sum(one["synops"] for one in result["operations"]))
    assert result["macs"] == pytest.approx(sum(one["macs"] for one in result["operations"]))
    assert result["energy"] == {
        name: pytest.approx(model.joules(result["synops"], result["macs"]))
        for name, model in ENERGY.items()
    }


def test_a_result_has_neurobenchs_metrics(finished: Path) -> None:
    result = read_json(finished / "result.json")
    measured = result["neurobench"]
    assert measured["Effective_ACs"] == result["synops"]
    assert measured["Effective_MACs"] == result["macs"]
    assert measured["Dense"] >= measured["Effective_ACs"] + measured["Effective_MACs"]
    assert measured["MembraneUpdates"] == result["neurons"] * result["timesteps"]
    assert measured["ParameterCount"] == result["parameters"]
    assert measured["Footprint"] >= 4 * result["parameters"]
    assert measured["ActivationSparsity"] == pytest.approx(1 - result["firing_rate"])


def test_evaluate_names_the_model_of_every_energy(
    finished: Path, autosnn: Callable[..., Any]
) -> None:
    outcome = autosnn("evaluate", finished)
    assert (outcome.code, outcome.err) == (0, "")
    said = " ".join(outcome.out.split())
    assert "Energy per image, good to 40 % at best" in said
    assert "45 nm CMOS, 32 bits: Horowitz, ISSCC 2014" in said
    for model in ENERGY.values():
        assert model.title in said


@pytest.mark.slow
def test_a_plugins_model_is_in_the_result(
    tmp_path: Path, tiny: tuple[str, ...], start: Callable[..., Any]
) -> None:
    page = (Path(__file__).parents[2] / "docs/energy.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mychip.py").write_text(example)
    blocks = ("--blocks", "skip,skip,skip,skip,skip", "--plugin", tmp_path / "mychip.py")
    outcome = start("train", "--output", tmp_path / "run", *blocks, *tiny).wait()
    assert outcome.code == 0, outcome.err
    result = read_json(tmp_path / "run/result.json")
    joules = 1e-12 * (1.2 * result["synops"] + 3.4 * result["macs"])
    assert result["energy"]["mychip"] == pytest.approx(joules)
    outcome = start("evaluate", tmp_path / "run").wait()
    assert "My chip: measured by us" in outcome.out
