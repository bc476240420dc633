"""A table of a whole space: every architecture trained, to judge searches and supernets on.

The names in ``__init__.pyi`` are imported on first use, because torch and NNI take seconds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
