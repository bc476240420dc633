"""`autosnn view` as a user runs it: real manager, real page, read in a real browser."""

import csv
import itertools
import json
import math
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from fontTools.ttLib import TTFont

from autosnn_nni.manager import view as view_module
from autosnn_nni.runs.directory import open_run
from autosnn_nni.runs.search_state import save_history
from autosnn_nni.strategies import Evaluated, History
from tests.autosnn_nni.manager.conftest import (
    CANDIDATES,
    SPACE,
    Experiment,
    metrics,
    parameters,
    reachable,
    wait_for,
)
from tests.browser import leave
from tests.ports import free_port

pytestmark = pytest.mark.manager

#: Files of the page that the manager shows.
PAGE = Path(view_module.__file__).with_name("page")

Autosnn = Callable[..., Any]
Files = dict[str, tuple[int, bytes]]


class View:
    """`autosnn view` with a page that is up."""

    def __init__(self, process: Any, port: int) -> None:
        self.process = process
        self.line = process.popen.stdout.readline()
        assert self.line, process.wait()
        (self.manager,) = psutil.Process(process.popen.pid).children()
        self.experiment = Experiment(port)
        self.url = f"http://127.0.0.1:{port}"

    def end(self, sign: int) -> Any:
        """What the process has left after a signal."""
        self.process.popen.send_signal(sign)
        return self.process.wait()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def view(start: Autosnn, home: Path) -> Callable[..., View]:
    """Starts `autosnn view`; NNI keeps its list of experiments in ``home``."""

    def begin(run: Path, *options: object, port: int | None = None) -> View:
        port = port or free_port()
        env = {"HOME": str(home), "NNI_CONFIG_DIR": str(home / "config")}
        return View(start("view", run, "--port", port, *options, env=env), port)

    return begin


def files(folder: Path) -> Files:
    """Times and contents of the files that are the run's own."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and folder / "nni" not in path.parents
    }


def evaluated(run: Path) -> list[dict[str, str]]:
    with (run / "candidates.csv").open() as table:
        return list(csv.DictReader(table))


def listed(home: Path) -> dict[str, Any]:
    """NNI's list of experiments."""
    experiments: dict[str, Any] = json.loads((home / "nni-experiments/.experiment").read_text())
    return experiments


@pytest.fixture(scope="module")
def run(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that nothing changes but the views of it."""
    return shutil.copytree(finished, tmp_path_factory.mktemp("view") / "run")


@pytest.fixture(scope="module")
def before(run: Path) -> Files:
    return files(run)


@pytest.fixture(scope="module")
def shown(run: Path, before: Files, view: Callable[..., View]) -> View:
    return view(run)


@pytest.fixture(scope="module")
def page(shown: View, web_ui: Callable[[str], Any]) -> Any:
    return web_ui(shown.url)


def test_one_line_says_where_the_page_is(shown: View, run: Path) -> None:
    assert shown.line == f"NNI's web UI of {run}: {shown.url} (Ctrl-C closes it)\n"


def test_the_page_shows_every_architecture_as_the_run_has_it(page: Any, run: Path) -> None:
    """At once: no column has to be chosen."""
    page.open()
    rows, expected = page.rows(), evaluated(run)
    assert len(rows) == len(expected) == 40
    for row, one in zip(rows, expected, strict=True):
        assert {label: row[f"space/{label}"] for label in SPACE} == {
            label: one[label] for label in SPACE
        }
        for name in "accuracy", "spikes", "energy":
            shown = float(row[f"metric/{name}"])
            assert shown == pytest.approx(float(one[name]), rel=5e-3)
        fitness = float(row["latestAccuracy"].removesuffix(" (FINAL)"))
        assert fitness == pytest.approx(float(one["fitness"]), abs=1e-6)
        assert row["status"] == "SUCCEEDED"


def test_all_that_matters_fits_in_the_window(page: Any) -> None:
    page.open()
    width = page.browser.execute_script("return document.documentElement.clientWidth")
    last = page.browser.execute_script(
        "return document.querySelector(\"[data-automation-key='metric/energy']\")"
        ".getBoundingClientRect().right"
    )
    assert last < width


def test_what_users_choose_themselves_is_kept(page: Any) -> None:
    page.open()
    page.show_columns("generation", "spikes")  # one more, one less
    for _ in range(2):
        page.open()
        shown = page.rows()[0].keys()
        assert "metric/generation" in shown
        assert "metric/spikes" not in shown


def loaded(icons: dict[str, list[str]]) -> dict[str, list[str]]:
    """The icons, if they all have their font."""
    return icons if all(state == "loaded" for _, state in icons.values()) else {}


def test_every_icon_is_there_without_a_network(page: Any) -> None:
    """The page asks nothing else of the net, either."""
    leave(page.browser)
    with TTFont(PAGE / "icons.woff") as font:
        known = {chr(code) for code in font.getBestCmap()}
    for look in page.open_experiments, page.open_overview, page.open:
        look()
        icons = wait_for(lambda: loaded(page.icons()), "the icons", 30)
        assert {character for character, _ in icons.values()} <= known
    assert [one for one in page.browser.get_log("browser") if one["source"] == "network"] == []


def test_the_plot_has_an_axis_per_block_and_what_matters(page: Any) -> None:
    page.open()
    axes = page.axes()
    assert list(axes) == [*SPACE, "default", "accuracy", "spikes", "energy"]
    for label in SPACE:
        assert axes[label] == CANDIDATES
    assert "[object Object]" not in page.text


#: What ``candidates.csv`` has of an architecture.
MEASURED = ("accuracy", "spikes", "synops", "macs", "parameters", "neurons", "energy")


def test_the_overview_names_the_run(page: Any, run: Path) -> None:
    page.open_overview()
    best = max(float(one["fitness"]) for one in evaluated(run))
    for text in ("VIEWED", str(round(best, 6)), "40/40", "evolution", f"--output {run}"):
        wait_for(lambda text=text: text in page.text, text)
    assert "[object Object]" not in page.text


def test_trials_are_recorded_and_none_is_run_again(
    shown: View, run: Path, before: Files, home: Path
) -> None:
    trials = shown.experiment.trials("SUCCEEDED")
    assert [(parameters(trial), metrics(trial)) for trial in trials] == [
        (
            {label: one[label] for label in SPACE},
            {
                "default": float(one["fitness"]),
                **{name: float(one[name]) for name in MEASURED},
                "timesteps": 2,
                "generation": int(one["generation"]),
            },
        )
        for one in evaluated(run)
    ]
    assert len(shown.experiment.trials()) == len(trials)
    assert shown.experiment.get("experiment")["params"]["searchSpace"] == SPACE
    assert shown.manager.children() == []
    assert files(run) == before
    assert [path.name for path in home.iterdir()] == ["nni-experiments"]


def test_only_this_machine_reaches_the_page(shown: View, other_address: str) -> None:
    assert reachable("127.0.0.1", shown.experiment.port)
    assert not reachable(other_address, shown.experiment.port)


def test_others_reach_it_where_the_user_lets_them(
    run: Path, view: Callable[..., View], other_address: str
) -> None:
    open_view = view(run, "--listen", "0.0.0.0")
    assert reachable(other_address, open_view.experiment.port)
    outcome = open_view.end(signal.SIGTERM)
    assert (outcome.code, outcome.out) == (143, "")
    warning, last = outcome.err.splitlines()
    assert last == "autosnn: stopped"
    assert warning.startswith("autosnn: warning: NNI's manager listens on 0.0.0.0")


def test_ctrl_c_ends_everything_and_a_second_view_is_of_the_same_experiment(
    run: Path, tmp_path: Path, view: Callable[..., View], home: Path
) -> None:
    copy = shutil.copytree(run, tmp_path / "a run", ignore=shutil.ignore_patterns("nni"))
    for _ in range(2):
        viewed = view(copy)
        identifier = viewed.experiment.identifier
        assert listed(home)[identifier]["status"] == "VIEWED"
        outcome = viewed.end(signal.SIGINT)
        assert (outcome.code, outcome.out, outcome.err) == (130, "", "autosnn: stopped\n")
        assert not viewed.manager.is_running()
        assert listed(home)[identifier]["status"] == "STOPPED"
        assert [path.name for path in (copy / "nni").iterdir()] == [identifier]


def test_after_kill_9_the_manager_ends_and_the_next_view_starts_at_once(
    run: Path, view: Callable[..., View]
) -> None:
    killed = view(run)
    killed.end(signal.SIGKILL)
    again = view(run, port=killed.experiment.port)
    psutil.wait_procs([killed.manager], timeout=10)
    assert not killed.manager.is_running()
    assert len(again.experiment.trials("SUCCEEDED")) == 40
    assert again.end(signal.SIGTERM).code == 143


def test_a_manager_that_ends_by_itself_is_an_error(run: Path, view: Callable[..., View]) -> None:
    viewed = view(run)
    viewed.manager.kill()
    outcome = viewed.process.wait()
    assert outcome.code == 1
    (line,) = outcome.err.splitlines()
    assert "NNI's manager has ended unexpectedly" in line


def test_a_whole_space_is_shown(
    tmp_path: Path, view: Callable[..., View], web_ui: Callable[[str], Any]
) -> None:
    """All 3,125 architectures of SNN_1; the first has a fitness that JSON can't write."""
    run = open_run(tmp_path / "run", {})
    space = enumerate(itertools.product(run.settings.candidates, repeat=5))
    save_history(
        run,
        History(
            Evaluated(
                blocks,
                number or math.inf,
                1 + number // 20,
                accuracy=number / 3125,
                spikes=3125.0 - number,
            )
            for number, blocks in space
        ),
    )
    viewed = view(run.path)
    trials = viewed.experiment.trials("SUCCEEDED")
    assert len({tuple(parameters(trial).values()) for trial in trials}) == len(trials) == 3125
    assert metrics(trials[0]) == {"accuracy": 0, "spikes": 3125, "generation": 1}
    page = web_ui(viewed.url)
    page.open_overview()
    wait_for(lambda: "3125/3125" in page.text, "the number of trials")
    page.open_trials()
    assert viewed.end(signal.SIGINT).code == 130


def refusal(outcome: Any) -> str:
    """The one line of an error that is the user's."""
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("autosnn: ")
    return str(line)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("search.json", None, "has no search yet; run autosnn search --output"),
        ("search.json", '{"evaluated": []}', "has no search yet; run autosnn search --output"),
        ("search.json", '{"evaluated": [{"blocks"', "search.json cannot be read"),
        ("search.json", '{"evaluated": [{"blocks": ["skip"]}]}', "is not a search's state"),
        (
            "search.json",
            '{"evaluated": [{"blocks": ["skip"], "accuracy": 0.5, "spikes": null, "fitness": 1,'
            ' "generation": 1}]}',
            "is not a search's state",
        ),
        ("settings.json", None, "is not a run of autosnn: it has no settings.json"),
        ("settings.json", "{}", "is not a run's settings"),
    ],
)
def test_a_run_that_cannot_be_shown(
    finished: Path, tmp_path: Path, autosnn: Autosnn, name: str, content: str | None, message: str
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    (run / name).unlink()
    if content is not None:
        (run / name).write_text(content)
    before = files(run)
    assert message in refusal(autosnn("view", run, "--port", free_port()))
    assert files(run) == before
    assert not (run / "nni").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--port", 0), "--port must be from 1 to 65535, not 0"),
        (("--port", 65536), "--port must be from 1 to 65535, not 65536"),
        (("--listen", "192.0.2.7"), "--listen must be 127.0.0.1, or 0.0.0.0 for all addresses"),
    ],
)
def test_addresses_that_cannot_be(
    finished: Path, autosnn: Autosnn, options: tuple[object, ...], message: str
) -> None:
    assert message in refusal(autosnn("view", finished, "--port", free_port(), *options))
    assert not (finished / "nni").exists()


def test_a_run_that_does_not_exist(tmp_path: Path, autosnn: Autosnn) -> None:
    assert "run is not a run of autosnn: it does not" in refusal(autosnn("view", tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


def test_a_busy_port_is_left_alone(finished: Path, tmp_path: Path, start: Autosnn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        outcome = start("view", finished, "--port", port, env={"HOME": str(tmp_path)}).wait()
    assert refusal(outcome) == f"autosnn: port {port} is in use; choose another --port"
    assert not (finished / "nni").exists()
    assert list(tmp_path.iterdir()) == []


def test_torch_is_not_waited_for() -> None:
    code = "import sys, autosnn_nni.manager.view; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
