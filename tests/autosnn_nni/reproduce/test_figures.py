"""Figures and layer tables from records alone."""

from typing import Any

import pandas as pd
import pytest

from autosnn_nni.report.drawing import png
from autosnn_nni.reproduce.figures import FIGURES
from autosnn_nni.reproduce.layerwise import layerwise
from autosnn_nni.reproduce.recipes import Recipe, Row
from autosnn_nni.reproduce.results import networks_table, rows_table

STAGES = [
    {"name": "stem", "kind": "stem", "block": "conv 3x3", "size": 8},
    {"name": "tbd1", "kind": "tbd", "block": "SCB_k3", "size": 8},
    {"name": "pool1", "kind": "pool", "block": "max pool", "size": 4},
    {"name": "tbd2", "kind": "tbd", "block": "skip", "size": 2},
    {"name": "gap1", "kind": "pool", "block": "global average pool", "size": 1},
    {"name": "fc", "kind": "head", "block": "fully connected", "size": 1},
    {"name": "vote", "kind": "head", "block": "voting", "size": 1},
]


def layer(name: str, neurons: int, spikes: float) -> dict[str, Any]:
    return {"name": name, "kind": "neuron", "neurons": neurons, "spikes": spikes}


def record(row: str, seed: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "row": row,
        "series": row,
        "dataset": "digits",
        "images": None,
        "space": "SNN_1",
        "channels": 2,
        "timesteps": 2,
        "neuron": "PLIF",
        "spike_regularisation": 0.0,
        "retrain_epochs": 1,
        "seed": seed,
        "blocks": "SCB_k3, skip",
        "accuracy": 0.5 + seed / 10,
        "spikes": 100.0 + seed,
        "neuron_spikes": 90.0,
        "firing_rate": 0.1,
        "parameters": 1000,
        "neurons": 500,
        "layers": [
            layer("stem", 64, 16.0),
            layer("tbd1.neuron1", 10, 4.0),
            layer("tbd1.neuron2", 30, 4.0),
            layer("pool1", 16, 8.0),
            layer("gap1", 4, 2.0),
            layer("fc", 20, 10.0),
        ],
        "stages": STAGES,
        "activations": [],
        **changes,
    }


def a_row(name: str, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "name": name,
        "series": name,
        "mark": "",
        "kind": "blocks",
        "network": "SCB_k3",
        "settings": {},
        "search": {},
        "supernet": False,
        "seeds": (0, 1),
        "paper": {},
    }
    return Row(**{**values, **changes})


def a_recipe(figure: str, *rows: Row) -> Recipe:
    return Recipe("own", "Own", figure, rows)


def test_layers_are_summed_by_stage() -> None:
    table = layerwise([record("a")]).set_index("stage")
    assert table["spikes"].to_dict() == {
        "STEM": 16,
        "TBD1": 8,
        "DS1": 8,
        "DS2": 0,
        "GAP": 2,
        "FC": 10,
    }
    assert table["firing_rate"]["TBD1"] == 8 / (40 * 2)
    assert pd.isna(table["firing_rate"]["DS2"])  # an identity skip sends nothing on
    assert table["activation"].isna().all()


def test_layers_are_means_over_a_rows_networks() -> None:
    louder = record("a", 1, layers=[layer("stem", 64, 48.0)])
    table = layerwise([record("a"), louder]).set_index("stage")
    assert table["spikes"]["STEM"] == 32


def test_a_network_of_relus_has_activations_and_no_spikes() -> None:
    means = [{"name": "stem", "mean": 0.25}, {"name": "tbd1.neuron1", "mean": 9.0}]
    means.append({"name": "tbd1.neuron2", "mean": 0.5})
    table = layerwise([record("a", layers=[], activations=means)]).set_index("stage")
    assert table["activation"][["STEM", "TBD1"]].tolist() == [0.25, 0.5]  # what a block puts out
    assert table["spikes"][["STEM", "TBD1"]].isna().all()


def test_a_row_without_networks_keeps_the_papers_numbers() -> None:
    rows = (a_row("a"), a_row("b", seeds=(), paper={"accuracy": 90.0, "spikes": 12.5}))
    table = rows_table(a_recipe("bubbles", *rows), [record("a"), record("a", 1)]).set_index("row")
    assert table["networks"].tolist() == [2, 0]
    assert table["accuracy"]["a"] == pytest.approx(0.55)
    assert pd.isna(table["accuracy"]["b"])
    assert (table["paper_accuracy"]["b"], table["paper_spikes"]["b"]) == (0.9, 12_500)


def test_architectures_that_differ_are_all_named() -> None:
    records = [record("a"), record("a", 1, blocks="skip, skip")]
    table = rows_table(a_recipe("bubbles", a_row("a")), records)
    assert table["blocks"][0] == "SCB_k3, skip | skip, skip"
    assert networks_table(records)["blocks"].tolist() == ["SCB_k3, skip", "skip, skip"]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn(name: str) -> None:
    scores = {"supernet_accuracy": 0.4, "supernet_spikes": 80.0}
    records = [record(row, seed, **scores) for row in ("a", "b") for seed in (0, 1)]
    rows = (a_row("a", mark="16", paper={"accuracy": 80.0, "spikes": 100}), a_row("b"))
    figure = FIGURES[name](a_recipe(name, *rows, a_row("c", seeds=())), records)
    assert png(figure).startswith(b"\x89PNG")


def test_bubbles_have_a_panel_for_the_paper_only_where_it_has_numbers() -> None:
    with_paper = a_recipe("bubbles", a_row("a", paper={"accuracy": 80.0, "spikes": 100}))
    without = a_recipe("bubbles", a_row("a"))
    panels = [len(FIGURES["bubbles"](one, [record("a")]).axes) for one in (with_paper, without)]
    assert panels == [2, 1]


def test_the_ranking_states_kendalls_tau() -> None:
    records = [
        record("a", seed, supernet_accuracy=0.1 * seed, supernet_spikes=-1.0 * seed)
        for seed in range(4)
    ]
    left, right = FIGURES["ranking"](a_recipe("ranking", a_row("a")), records).axes
    assert "Kendall tau 1.00" in left.get_title(loc="left")
    assert "Kendall tau -1.00" in right.get_title(loc="left")
