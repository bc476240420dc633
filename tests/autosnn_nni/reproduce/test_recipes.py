from pathlib import Path

import pytest

from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.reproduce.figures import FIGURES
from autosnn_nni.reproduce.recipe_files import recipe_names
from autosnn_nni.reproduce.recipes import Row, load_recipe
from autosnn_nni.reproduce.scales import SCALES
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import NETWORKS, NetworkConfig, build_network

NAMES = recipe_names()
PAPER = (96, "constant", 1e-3)
TABLES = {
    "table1": 4,
    "table2": 4,
    "table3": 20,
    "table4": 15,
    "table5": 5,
    "table6": 8,
    "table7": 2,
    "table8": 4,
    "table9": 4,
    "table10": 16,
    "table11": 7,
}


def write(folder: Path, text: str) -> str:
    path = folder / "own.yml"
    path.write_text(text)
    return str(path)


def test_every_table_and_every_measured_figure_has_a_recipe() -> None:
    figures = {f"figure{number}" for number in (1, 2, 3, 4, 5, 9, 11, 12)}
    assert set(TABLES) | figures <= set(NAMES)
    assert [name for name in NAMES if name.startswith("table")] == list(TABLES)


@pytest.mark.parametrize(("name", "rows"), TABLES.items())
def test_every_row_of_the_papers_tables_is_there(name: str, rows: int) -> None:
    recipe = load_recipe(name, "full")
    quoted = [row for row in recipe.rows if row.paper]
    alike = {row.name.removesuffix("_full") for row in quoted}  # SIB with both convolutions
    assert len(alike) == rows
    assert len({row.name for row in recipe.rows}) == len(recipe.rows)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_can_be_run_at_every_scale(name: str, scale: str) -> None:
    recipe = load_recipe(name, scale)
    assert recipe.title
    assert recipe.figure in FIGURES
    for row in recipe.rows:
        for values in (row.settings, row.search):
            settings = Settings.named({**values, "seed": 0})
            space = NETWORKS[row.network].space if row.kind == "network" else settings.space
            info = DATASETS[settings.dataset].info
            NetworkConfig(space, shape=info.shape, classes=info.classes, channels=2)
    if scale == "smoke":
        assert all(row.seeds == (0,) for row in recipe.rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_full_scale_is_the_papers(name: str) -> None:
    for row in load_recipe(name, "full").rows:
        settings = Settings.named(row.settings)
        events = DATASETS[settings.dataset].info.events
        assert (settings.batch_size, settings.schedule, settings.learning_rate) == PAPER
        assert settings.averages == "mean"
        assert settings.retrain_epochs == (120 if name in ("figure4", "ranking") else 600)
        if row.kind == "search" and row.network.get("strategy") != "snasnet":
            assert Settings.named(row.search).supernet_epochs == 600
        if name not in ("figure5", "table11"):
            assert settings.timesteps == (20 if events else 8)


def test_the_papers_parameters_are_those_of_the_rows_networks() -> None:
    rows = [row for row in load_recipe("table3", "full").rows if "parameters" in row.paper]
    assert len(rows) == 20
    for row in rows:
        named = NETWORKS[row.network]
        config = NetworkConfig(
            named.space, shape=(3, 32, 32), classes=10, channels=row.settings["channels"]
        )
        network = build_network(config, named.blocks)
        millions = sum(weights.numel() for weights in network.parameters()) / 1e6
        # The paper's 1.17 of ResNet11-Lee is 1.1648.
        assert millions == pytest.approx(row.paper["parameters"], abs=0.0053)


def test_small_scales_take_parts_of_c_and_t_and_other_data() -> None:
    (row,) = (row for row in load_recipe("table3", "small").rows if row.name == "AutoSNN, C = 32")
    assert (row.settings["channels"], row.settings["timesteps"]) == (16, 4)
    assert (row.settings["dataset"], row.seeds) == ("FashionMNIST", (0, 1, 2))
    assert row.paper == {"accuracy": 91.32, "spikes": 176, "parameters": 1.46}


def test_rows_that_are_too_wide_are_left_out_at_a_small_scale() -> None:
    rows = {row.name: row for row in load_recipe("table3", "small").rows}
    assert rows["AutoSNN, C = 64"].seeds == ()
    assert rows["AutoSNN, C = 32"].seeds != ()


def test_a_searchs_own_settings_are_not_the_trainings() -> None:
    ann, _ = load_recipe("table7", "full").rows
    assert (ann.search["neuron"], ann.search["lambda"]) == ("ANN", 0)
    assert "neuron" not in ann.settings
    assert Settings.named(ann.settings).neuron == "PLIF"


def test_random_architectures_are_limited_by_the_scale() -> None:
    counts = [load_recipe("figure4", scale).rows[0].network for scale in ("full", "small", "smoke")]
    assert counts == [100, 10, 2]


def test_a_recipe_takes_over_another_but_for_its_title_and_figure() -> None:
    table, figure = load_recipe("table3", "small"), load_recipe("figure1", "small")
    assert figure.rows == table.rows
    assert figure.title != table.title


def test_a_row_for_each_value(tmp_path: Path) -> None:
    text = """
title: T
figure: bubbles
seeds: [3]
settings: {dataset: digits, channels: 4}
rows:
  - {name: a, blocks: skip, for: {timesteps: {1: {accuracy: 50}, 2: {}}}}
"""
    first, second = load_recipe(write(tmp_path, text), "full").rows
    assert (first.name, first.series, first.mark) == ("a, T = 1", "a", "1")
    assert (first.settings["timesteps"], first.paper, first.seeds) == (1, {"accuracy": 50}, (3,))
    assert (second.settings["timesteps"], second.paper) == (2, {})


def test_what_stands_under_a_scale_is_that_scales_alone(tmp_path: Path) -> None:
    text = """
title: T
figure: bubbles
seeds: [0]
settings: {dataset: CIFAR10, channels: 16, timesteps: 8}
small: {seeds: [7], images: 100}
rows:
  - {name: a, blocks: skip, smoke: {dataset: digits64}, small: {images: 200}}
"""
    path = write(tmp_path, text)
    rows: dict[str, Row] = {scale: load_recipe(path, scale).rows[0] for scale in SCALES}
    assert rows["full"].settings["dataset"] == "CIFAR10"
    assert rows["smoke"].settings["dataset"] == "digits64"
    assert (rows["small"].seeds, rows["small"].settings["images"]) == ((7,), 200)


HEAD = (
    "{title: T, figure: bubbles, seeds: [0], settings: {dataset: digits, channels: 2, timesteps: 1}"
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"{HEAD}}}", "'rows' is missing"),
        ("{figure: bubbles, rows: []}", "'title' is missing"),
        (f"{HEAD}, colour: red, rows: []}}", "unknown key 'colour'; known: title"),
        (f"{HEAD}, rows: [{{name: a}}]}}", "row 'a' needs one of blocks, network, search, sample"),
        (f"{HEAD}, rows: [{{name: a, blocks: skip, sample: 3}}]}}", "row 'a' needs one of"),
        (f"{HEAD}, rows: [{{blocks: skip}}]}}", "'name' is missing"),
        (f"{HEAD}, rows: [{{name: a, blocks: skip, paper: {{spike: 1}}}}]}}", "did you mean 'spik"),
        (f"{HEAD}, rows: [{{name: a, blocks: skip, seeds: 3}}]}}", "row 'a': `seeds` is a list"),
        (f"{HEAD}, rows: 3}}", "not iterable"),
        ("just a text", "expected keys such as title, not 'just a text'"),
        (f"{HEAD}, rows: [3]}}", "not"),
        ("[1, 2", "expected ',' or ']'"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^recipe .*own\.yml: ") as refused:
        load_recipe(write(tmp_path, text), "full")
    assert fault in str(refused.value)


def test_a_recipe_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"^unknown recipe 'tabel1'; did you mean 'table1'\?$"):
        load_recipe("tabel1", "full")
    with pytest.raises(UserError, match=r"nowhere\.yml cannot be read"):
        load_recipe("nowhere.yml", "full")
    with pytest.raises(
        UserError, match=r"^unknown scale 'tiny'; known: full, medium, small, smoke$"
    ):
        load_recipe("table1", "tiny")
