"""Take a trained network away: files of it that other tools read.

The names in ``__init__.pyi`` are imported on first use: importing torch takes a second.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
