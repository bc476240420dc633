"""``autosnn report``. It needs neither torch nor NNI, which take seconds to import."""

from pathlib import Path

from autosnn_nni.cli.console import say
from autosnn_nni.report import write_report
from autosnn_nni.runs.directory import check_writable
from autosnn_nni.runs.run_files import RunFiles, not_a_run


def report(path: Path) -> None:
    """Rewrite a run's report."""
    if not path.is_dir():
        raise not_a_run(RunFiles(path))
    check_writable(path)
    say(f"Report: {write_report(path)}")
