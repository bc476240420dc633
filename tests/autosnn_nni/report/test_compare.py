import json
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.report import write_comparison
from autosnn_nni.report.compare import differences, groups, of_seeds, read_runs, times, warnings
from tests.accessibility import show, violations
from tests.autosnn_nni.written_run import SETTINGS, keep_only, result, write_json, write_run

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The same run with another seed, other epochs and a better network."""
    run = write_run(tmp_path / "other")
    write_json(run / "settings.json", SETTINGS | {"seed": 1})
    write_json(run / "result.json", result(["SCB_k3"] * 5, 0.982, 1.0, 4) | {"seed": 1})
    return run


def change(run: Path, **settings: Any) -> None:
    kept = json.loads((run / "settings.json").read_text())
    write_json(run / "settings.json", kept | settings)


def test_runs_that_differ_in_their_seed_are_a_group(run: Path, other: Path) -> None:
    runs = read_runs([run, other])
    assert differences(runs) == {"seed": [0, 1]}
    assert warnings(runs) == []
    (group,) = groups(runs)
    assert group.labels == ("run", "other")
    assert (group.accuracy.mean, group.accuracy.count) == (pytest.approx(0.977), 2)


def test_runs_of_other_given_networks_are_no_group(run: Path, other: Path) -> None:
    for path, blocks in ((run, "skip"), (other, "SCB_k3")):
        for name in ("candidates.csv", "best.json"):
            (path / name).unlink()
        found = json.loads((path / "result.json").read_text())
        write_json(path / "result.json", found | {"blocks": [blocks] * 5})
    assert groups(read_runs([run, other])) == []


def test_a_seed_twice_is_no_spread(run: Path, other: Path) -> None:
    change(other, seed=0)
    found = json.loads((other / "result.json").read_text())
    write_json(other / "result.json", found | {"seed": 0})
    assert groups(read_runs([run, other])) == []


def test_every_seed_is_listed(run: Path, other: Path) -> None:
    write_json(
        other / "seeds" / "2" / "result.json", result(["skip"] * 5, 0.9, 1.0, 1) | {"seed": 2}
    )
    _, one = read_runs([run, other])
    assert [(each.seed, each.accuracy) for each in of_seeds(one)] == [(1, 0.982), (2, 0.9)]


def test_other_data_and_another_space_are_warned_of(run: Path, other: Path) -> None:
    change(other, dataset="FashionMNIST", space="SNN_2")
    first, second = warnings(read_runs([run, other]))
    assert "data set (digits, FashionMNIST)" in first
    assert "space (SNN_1, SNN_2)" in second


def test_times_are_those_of_the_training_curves(run: Path, other: Path) -> None:
    one, _ = read_runs([run, other])
    found = times(one)
    assert found.supernet == pytest.approx(40 * 4.2)
    assert (found.retraining, found.baselines) == pytest.approx((40 * 4.2, 80 * 4.2))
    for name in ("one", "two"):
        (run / "finalists" / name).mkdir(parents=True)
        shutil.copy(run / "retrained.csv", run / "finalists" / name)
    assert times(one).retraining == pytest.approx(80 * 4.2)


def test_the_time_of_a_search_is_that_of_its_generations(run: Path, other: Path) -> None:
    (run / "generations.csv").write_text(
        "generation,start,end\n"
        "1,2026-11-29T12:00:00.000+00:00,2026-11-29T12:00:10.500+00:00\n"
        "2,2026-11-29T13:00:00.000+00:00,2026-11-29T13:00:09.500+00:00\n"
    )
    one, two = read_runs([run, other])
    assert times(one).search == pytest.approx(20.0)
    assert math.isnan(times(two).search)


def test_runs_of_one_name_are_told_apart(run: Path, tmp_path: Path) -> None:
    again = write_run(tmp_path / "elsewhere" / "run")
    assert [one.label for one in read_runs([run, again])] == [str(run), str(again)]


def test_runs_show_what_they_have(run: Path, other: Path, tmp_path: Path) -> None:
    keep_only(other, "settings.json", "supernet.csv")
    page = write_comparison([run, other], tmp_path / "compare.html")
    html = page.read_text()
    assert "<h1>run and other compared</h1>" in html
    assert "SRB_k5, SRB_k5, skip, SRB_k3, SRB_k5" in html
    table = pd.read_csv(tmp_path / "compare.csv", index_col="run")
    assert table.loc["run", ["accuracy", "evaluated"]].tolist() == [0.972, 200]
    assert table.loc["other", ["accuracy", "evaluated"]].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("names", "output", "said"),
    [
        (["run"], "compare.html", "two runs or more"),
        (["run", "run"], "compare.html", "two runs or more"),
        (["run", "nowhere"], "compare.html", "not a run of autosnn"),
        (["run", "other"], "compare", "ends in .html"),
    ],
)
def test_what_cannot_be_compared(
    run: Path, other: Path, tmp_path: Path, names: list[str], output: str, said: str
) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match=said):
        write_comparison([tmp_path / name for name in names], tmp_path / output)
    assert sorted(tmp_path.iterdir()) == before


def test_the_page_works_in_a_browser(
    run: Path, other: Path, tmp_path: Path, browser: "WebDriver"
) -> None:
    page = write_comparison([run, other], tmp_path / "compare.html")
    for width, dark in ((1400, True), (390, False)):
        with show(browser, page.as_uri(), width=width, dark=dark):
            assert violations(browser) == []
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
            labels = "return [...document.querySelectorAll('figure')].map(one => one.ariaLabel)"
            fronts, seeds = browser.execute_script(labels)
            assert fronts.startswith("Pareto fronts of accuracy and spikes: run has")
            assert "other with seed 1 98.2 % with" in seeds
            drawn = "return document.querySelectorAll('#fronts .scatterlayer .trace').length"
            assert browser.execute_script(drawn) == 4
    assert browser.get_log("browser") == []  # type: ignore[attr-defined]
