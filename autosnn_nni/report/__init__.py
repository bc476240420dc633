"""The report of a run: what is computed, what is drawn, one HTML file.

>>> from pathlib import Path
>>> write_report(Path("runs/a"))  # doctest: +SKIP
PosixPath('runs/a/report.html')

The names of ``__init__.pyi`` are imported when they are first used: plotly takes a second.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
