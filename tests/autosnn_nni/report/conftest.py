from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from autosnn_nni.report import write_report
from tests.autosnn_nni.written_run import keep_only, write_run


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with its report, for tests that only read it."""
    run = write_run(tmp_path_factory.mktemp("reported") / "run")
    write_report(run)
    return run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


@pytest.fixture
def run_with(run: Path) -> Callable[..., Path]:
    """The same run with nothing but the named files at its top."""
    return partial(keep_only, run)
