"""AutoSNN: spike-aware neural architecture search for spiking networks, on Microsoft NNI.

The names below are imported when they are first used: torch and NNI take seconds to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autosnn_nni.errors import UserError
from autosnn_nni.quiet import be_quiet

if TYPE_CHECKING:
    from autosnn_nni.evaluators import SpikingEvaluator, SubnetEvaluator, evaluate
    from autosnn_nni.experiment import RetiariiExeConfig, RetiariiExperiment
    from autosnn_nni.retraining import TrainedNetwork, train_network
    from autosnn_nni.training import Training

be_quiet()

_MODULES = {
    "RetiariiExeConfig": "experiment",
    "RetiariiExperiment": "experiment",
    "SpikingEvaluator": "evaluators",
    "SubnetEvaluator": "evaluators",
    "TrainedNetwork": "retraining",
    "Training": "training",
    "evaluate": "evaluators",
    "train_network": "retraining",
}

__all__ = [
    "RetiariiExeConfig",
    "RetiariiExperiment",
    "SpikingEvaluator",
    "SubnetEvaluator",
    "TrainedNetwork",
    "Training",
    "UserError",
    "evaluate",
    "train_network",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
