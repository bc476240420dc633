import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch
from xdist.scheduler import LoadScopeScheduling

from autosnn_nni.data import Splits, load_dataset, split
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.search_spaces import BLOCKS, MACROS, NEURONS, SURROGATES
from autosnn_nni.strategies import OBJECTIVES, SEARCHES
from autosnn_nni.training.hyperparameters import Training

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

    from tests.browser import WebUI

#: The marker of tests that take a fixture.
NEEDS = {"browser": "browser", "nnictl": "manager", "worker": "ssh"}

#: Tests that start NNI's managers. They run one after another: each has trials of its own.
WITH_MANAGERS = (
    "tests/autosnn_nni/manager/",
    "tests/autosnn_nni/nas/test_experiment_trials.py",
)

#: Networks that train in a fraction of a second.
TINY = {"shape": (1, 8, 8), "classes": 10, "channels": 2, "timesteps": 2}


def pytest_configure() -> None:
    """A home of its own, and signals.

    NNI writes below the home folder, which it asks for when it is imported: not a real one. A job
    in a shell's background ignores Ctrl-C, one of ``nohup`` a closed terminal, and so would all
    processes that the tests start.
    """
    os.environ["HOME"] = tempfile.mkdtemp(prefix="autosnn-tests-")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)  # before pytest selects tests by their markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they take; those that start NNI's managers take longest: first."""
    for item in items:
        for fixture in sorted(NEEDS.keys() & set(getattr(item, "fixturenames", ()))):
            item.add_marker(NEEDS[fixture])
    items.sort(key=lambda item: not _starts_managers(item.nodeid))


def _starts_managers(nodeid: str) -> bool:
    return nodeid.startswith(WITH_MANAGERS)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """One process for the tests of a file, which share fixtures, and one for all with managers."""

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "managers" if _starts_managers(nodeid) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False  # longest first, not most tests first
    return ByFile(config, log)


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["HOME"], ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, and rounding differs with their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_digits() -> Splits:
    """80 images to train on, 20 of D_val, all test images."""
    return split(load_dataset("digits"), seed=0, images=100)


@pytest.fixture(scope="session")
def tiny_training() -> Training:
    """Two epochs of four batches, the last of them smaller."""
    return Training(epochs=2, batch_size=24, device="cpu")


@pytest.fixture(scope="session")
def tiny_scoring() -> Scoring:
    """Two batches of 24 images for batch norm's statistics."""
    return Scoring(batch_size=24, calibration_batches=2, device="cpu")


@pytest.fixture(scope="session")
def make_space() -> Callable[..., Any]:
    """Makes a tiny model space, always with the same initial weights."""
    from autosnn_nni.search_spaces import SpikingSpace  # late: NNI has to find another home
    from autosnn_nni.search_spaces.build import seeded

    def make(space: str = "SNN_1", **options: object) -> SpikingSpace:
        with seeded(0):
            return SpikingSpace(space, **{**TINY, **options})

    return make


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["WebDriver"]:
    """A headless Chromium without a network."""
    from tests.browser import chromium  # late: most tests need no selenium

    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="session")
def web_ui(browser: "WebDriver") -> "Callable[[str], WebUI]":
    """NNI's web UI at an address, in the browser."""
    from tests.browser import WebUI  # late, as above

    return partial(WebUI, browser)


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it: others draw from all that there is."""
    for registry in (BLOCKS, MACROS, NEURONS, OBJECTIVES, SEARCHES, SURROGATES):
        monkeypatch.setattr(registry, "_items", dict(registry._items))
