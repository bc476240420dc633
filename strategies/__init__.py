"""One-shot training, spike-aware fitness and the searches over a trained supernet.

The names of ``__init__.pyi`` are imported when they are first used: torch and NNI take seconds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
