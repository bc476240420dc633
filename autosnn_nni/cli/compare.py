"""``autosnn compare``. It needs neither torch nor NNI, which take seconds to import."""

from collections.abc import Sequence
from pathlib import Path

from autosnn_nni.cli.console import say
from autosnn_nni.report import write_comparison


def compare(runs: Sequence[Path], output: Path) -> None:
    """Write the comparison of runs, and its table."""
    page = write_comparison(runs, output)
    say(f"Comparison: {page}, {page.with_suffix('.csv')}")
