"""The report of a run: tables, figures and one HTML file; the comparison of several runs.

>>> from pathlib import Path
>>> write_report(Path("runs/a"))  # doctest: +SKIP
PosixPath('runs/a/report.html')
>>> plot_search("runs/a").show()  # doctest: +SKIP

The names in ``__init__.pyi`` are imported on first use: importing plotly takes a second.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
