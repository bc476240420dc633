"""The plugin's registration with NNI: the tuner ``AutoSNN`` and the platforms.

NNI stores it in its configuration folder: ``NNI_CONFIG_DIR``, or the environment's own.
"""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

from nni.runtime.config import get_config_directory
from nni.tools import package_utils
from nni.tools.nnictl import ts_management

_NAME = "AutoSNN"
_PLATFORMS = SimpleNamespace(package="autosnn_nni.manager.platforms")


def register() -> Path:
    """Register the plugin with NNI; returns NNI's configuration folder."""
    meta = {
        "algoType": "tuner",
        "builtinName": _NAME,
        "className": "autosnn_nni.tuner.AutoSNNTuner",
    }
    package_utils.register_algo_meta(package_utils.AlgoMeta.load(meta))
    with redirect_stdout(StringIO()):
        ts_management.register(_PLATFORMS)
    return get_config_directory()


def unregister() -> Path:
    """Remove the plugin from NNI; without the package, nnictl would fail on its registration."""
    if package_utils.get_algo_meta(_NAME) is not None:
        package_utils.unregister_algo_meta(_NAME)
    with redirect_stdout(StringIO()):
        ts_management.unregister(_PLATFORMS)
    return get_config_directory()
