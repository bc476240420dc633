import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread
from plotly.offline import get_plotlyjs

from autosnn_nni.errors import UserError
from autosnn_nni.report import write_report
from tests.autosnn_nni.written_run import add_seeds

SECTIONS = [
    *("network", "comparison", "search", "fitness", "worth", "top", "front", "trust"),
    *("layers", "energy", "curves", "settings"),
]
FIGURES = ["fitness", "layers", "network", "search", "supernet", "training", "trust"]


class Page(HTMLParser):
    """What a browser would load, and the ids of the sections."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.sections: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "section":
            self.sections.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        self.loaded += [values[name] for name in ("src", "href") if name in values and tag != "a"]


def html_of(run: Path) -> str:
    return (run / "report.html").read_text().replace(get_plotlyjs(), "PLOTLY")


def report(run: Path) -> str:
    assert write_report(run) == run / "report.html"
    return html_of(run)


def figures(run: Path) -> list[str]:
    return sorted(path.stem for path in (run / "figures").glob("*.png"))


def test_a_whole_run_has_every_section_and_figure(reported: Path) -> None:
    assert Page(html_of(reported)).sections == SECTIONS
    assert figures(reported) == FIGURES


def test_the_page_loads_nothing_and_holds_plotly_once(reported: Path) -> None:
    html = html_of(reported)
    assert all(address.startswith("data:") for address in Page(html).loaded)
    assert not re.search(r"https?://|@import|url\(", html)
    assert html.count("PLOTLY<") == 1


def test_every_link_leads_to_a_file_of_the_run(reported: Path) -> None:
    links = Page(html_of(reported)).links
    assert links
    assert all((reported / link).is_file() for link in links)


def test_the_page_says_what_the_files_say(reported: Path) -> None:
    html = html_of(reported)
    winner = "SRB_k5, SRB_k5, skip, SRB_k3, SRB_k5"
    assert f"{winner}: 97.2 % test accuracy with 3,470 spikes per image" in html
    assert "SCB_k3 throughout" in html
    assert "SRB_k3 throughout" in html
    assert "157,584" in html
    assert "exponential" in html
    assert "<dt>batch size</dt><dd>32</dd>" in html  # of the data set; the file has none
    assert "<dt>rounds</dt><dd>10</dd>" in html
    assert "★ best" not in html
    assert html.count("★ winner") == 2  # among the fittest, and on the front
    assert "Its blocks" not in html  # they are those of its own search


def test_the_interval_of_a_few_is_called_too_few(run: Path) -> None:
    rows = (run / "trust.csv").read_text().splitlines(keepends=True)
    (run / "trust.csv").write_text("".join(rows[:5]))
    html = report(run)
    assert html.count('<td class="n">too few</td>') == 4
    assert " to \N{EN DASH}" not in html


def test_every_evaluated_architecture_can_be_read_on_hover(reported: Path) -> None:
    html = html_of(reported)
    rows = (reported / "candidates.csv").read_text().splitlines()[1:]
    assert all(", ".join(row.split(",")[:5]) in html for row in rows)


@pytest.mark.parametrize(
    ("names", "sections", "drawn"),
    [
        (["settings.json"], ["settings"], []),
        (["supernet.csv"], ["curves"], ["supernet"]),
        (
            ["result.json", "retrained.csv"],
            ["network", "layers", "energy", "curves"],
            ["layers", "network", "training"],
        ),
        (["candidates.csv"], ["search", "fitness", "worth", "top", "front"], ["fitness", "search"]),
        (["best.json"], ["network"], ["network"]),
        (["trust.csv"], ["trust"], ["trust"]),
        (
            ["result.json", "baselines"],
            ["network", "comparison", "layers", "energy", "curves"],
            ["layers", "network", "training"],
        ),
    ],
)
def test_sections_vanish_with_their_inputs(
    run_with: Callable[..., Path], names: list[str], sections: list[str], drawn: list[str]
) -> None:
    run = run_with(*names)
    assert Page(report(run)).sections == sections
    assert figures(run) == drawn


def test_a_page_without_figures_needs_no_plotly(run_with: Callable[..., Path]) -> None:
    assert "PLOTLY" not in report(run_with("settings.json"))


@pytest.mark.parametrize(("augmentation", "said"), [("flip", True), ("none", False)])
def test_accuracy_on_augmented_images_is_called_that(
    augmentation: str, said: bool, run: Path
) -> None:
    path = run / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "augmentation": augmentation}))
    assert ("Training accuracy is on augmented images" in report(run)) == said


def test_figures_show_something(reported: Path) -> None:
    for name in FIGURES:
        pixels = imread(reported / "figures" / f"{name}.png")
        assert min(pixels.shape[:2]) > 300
        assert pixels.std() > 0.02


def test_layers_csv_equals_the_result(reported: Path) -> None:
    expected = pd.DataFrame(json.loads((reported / "result.json").read_text())["layers"])
    pd.testing.assert_frame_equal(pd.read_csv(reported / "layers.csv"), expected)


def test_the_energy_is_shown_by_model_and_by_layer(reported: Path) -> None:
    html = html_of(reported)
    assert "<td>45 nm CMOS, 32 bits</td>" in html
    assert "11.5 nJ</td>" in html
    assert "Horowitz, ISSCC 2014</td>" in html
    assert "<td>mychip</td>" in html  # of a plugin that the report does not know
    assert [f"{share} %</td>" in html for share in (40, 60)] == [True, True]
    table = pd.read_csv(reported / "operations.csv")
    expected = json.loads((reported / "result.json").read_text())["operations"]
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected))


def test_a_result_of_an_earlier_version_has_no_energy(run: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    del result["operations"], result["energy"]
    (run / "result.json").write_text(json.dumps(result))
    assert "energy" not in Page(report(run)).sections


def test_front_csv_is_the_front_with_its_lambdas(reported: Path) -> None:
    table = pd.read_csv(reported / "front.csv")
    candidates = pd.read_csv(reported / "candidates.csv")
    assert list(table["spikes"]) == sorted(table["spikes"])
    assert list(table["accuracy"]) == sorted(table["accuracy"])
    assert table["accuracy"].iloc[-1] == candidates["accuracy"].max()
    optimal = table.dropna(subset="lowest_lambda")
    assert optimal["lowest_lambda"].iloc[0] == -float("inf")
    assert optimal["highest_lambda"].iloc[-1] == 0


def test_comparison_csv_holds_the_winner_and_the_baselines(reported: Path) -> None:
    table = pd.read_csv(reported / "comparison.csv", index_col="network")
    assert list(table.index) == ["Winner", "SCB_k3 throughout", "SRB_k3 throughout"]
    result = json.loads((reported / "result.json").read_text())
    for column in ("accuracy", "spikes", "parameters", "firing_rate"):
        assert table.loc["Winner", column] == result[column]


def test_several_seeds_have_error_bars_and_a_verdict(run: Path) -> None:
    html = report(add_seeds(run, spikes=3500.0))
    assert "97.2 ± 0.2 % test accuracy with 3,470 ± 3,500 spikes per image, mean of 3 seeds" in html
    assert '<td class="n">97.2 ± 0.2 %</td><td class="n">3,470 ± 3,500</td>' in html
    for block in ("SCB_k3", "SRB_k3"):
        line = f"Winner against {block} throughout: more accurate; spikes within the spread"
        assert f"<li>{line} of the seeds</li>" in html
    assert "figure-comparison" in html
    assert figures(run) == sorted([*FIGURES, "comparison"])
    assert all((run / link).is_file() for link in Page(html).links)
    table = pd.read_csv(run / "comparison.csv", index_col="network")
    result = json.loads((run / "result.json").read_text())
    assert (table["seeds"] == 3).all()
    for name in ("accuracy", "spikes", "firing_rate"):
        for column in (name, f"{name}_mean", f"{name}_std"):
            assert table.loc["Winner", column] == result[column]
    assert table["accuracy_verdict"].fillna("").tolist() == ["", *["more accurate"] * 2]
    assert table["spikes_verdict"].fillna("").tolist() == ["", *["within the spread"] * 2]


def test_of_a_single_seed_no_spread_is_claimed(reported: Path) -> None:
    html = html_of(reported)
    for word in ("spread of the seeds", "±", "figure-comparison", "first seed"):
        assert word not in html


def test_a_baseline_without_its_further_seeds_is_not_judged(run: Path) -> None:
    single = (run / "baselines/SCB_k3/result.json").read_text()
    add_seeds(run)
    (run / "baselines/SCB_k3/result.json").write_text(single)
    html = report(run)
    assert "Winner against SRB_k3" in html
    assert "Winner against SCB_k3" not in html
    row = pd.read_csv(run / "comparison.csv", index_col="network").loc["SCB_k3 throughout"]
    assert (row["seeds"], row["accuracy_mean"]) == (1, row["accuracy"])
    assert row[["accuracy_std", "accuracy_verdict"]].isna().all()


@pytest.mark.slow
def test_a_report_written_again_is_the_same(run: Path, reported: Path) -> None:
    again = html_of(reported).replace(str(reported), str(run))
    assert report(run) == again


@pytest.mark.slow
def test_names_cannot_break_the_page(run: Path) -> None:
    settings = {"dataset": "<script>alert(1)</script>"}
    (run / "settings.json").write_text(json.dumps(settings))
    table = run / "candidates.csv"
    table.write_text(table.read_text().replace("SCB_k5", "</script><b>"))
    html = report(run)
    assert "<script>alert" not in html
    assert "</script><b>" not in html


@pytest.mark.slow
def test_a_spike_free_search_and_a_single_epoch_are_drawn(run: Path) -> None:
    header = "tbd1,accuracy,spikes,fitness,generation\n"
    (run / "candidates.csv").write_text(f"{header}skip,0.1,0,inf,1\n")
    (run / "supernet.csv").write_text("epoch,loss,accuracy,spikes,seconds\n0,,0.1,20,1\n")
    assert Page(report(run)).sections == SECTIONS
    assert figures(run) == FIGURES


def test_nothing_is_written_into_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []
