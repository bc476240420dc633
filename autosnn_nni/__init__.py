"""AutoSNN: spike-aware neural architecture search for spiking networks, on Microsoft NNI.

The names in ``__init__.pyi`` are imported on first use: importing torch and NNI takes seconds.
"""

import lazy_loader

from autosnn_nni.containers import have_a_user
from autosnn_nni.idle_threads import spin_briefly
from autosnn_nni.moved import find_moved_modules
from autosnn_nni.plugins import find_plugins
from autosnn_nni.quiet import be_quiet

be_quiet()
have_a_user()
spin_briefly()
find_moved_modules()
find_plugins()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
