"""AutoSNN: spike-aware neural architecture search for spiking networks, on Microsoft NNI.

The names in ``__init__.pyi`` are imported on first use: importing torch and NNI takes seconds.
"""

import lazy_loader

from autosnn_nni.moved import find_moved_modules
from autosnn_nni.quiet import be_quiet

be_quiet()
find_moved_modules()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
