"""The report of a run: what is computed, what is drawn, one HTML file.

>>> from pathlib import Path
>>> write_report(Path("runs/a"))  # doctest: +SKIP
PosixPath('runs/a/report.html')
"""

from autosnn_nni.report._contents import Run, load_run
from autosnn_nni.report._write import write_report

__all__ = ["Run", "load_run", "write_report"]
