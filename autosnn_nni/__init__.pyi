from .errors import UserError
from .evaluation import evaluate
from .evaluators import SpikingEvaluator, SubnetEvaluator
from .experiment import RetiariiExeConfig, RetiariiExperiment
from .hyperparameters import Training
from .retraining import TrainedNetwork, train_network
from .trial_evaluator import TrialEvaluator

__all__ = [
    "RetiariiExeConfig",
    "RetiariiExperiment",
    "SpikingEvaluator",
    "SubnetEvaluator",
    "TrainedNetwork",
    "Training",
    "TrialEvaluator",
    "UserError",
    "evaluate",
    "train_network",
]
