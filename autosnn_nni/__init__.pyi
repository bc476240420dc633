from .errors import UserError
from .nas.evaluators import SpikingEvaluator, SubnetEvaluator
from .nas.experiment import RetiariiExeConfig, RetiariiExperiment
from .nas.trial_evaluator import TrialEvaluator
from .pretrained import load_pretrained
from .runs.prediction import Prediction, Predictor, load
from .scoring.batches import Scoring
from .scoring.evaluation import evaluate
from .training.from_scratch import train_network
from .training.hyperparameters import Training
from .training.trained import TrainedNetwork
from .version import __version__

__all__ = [
    "Prediction",
    "Predictor",
    "RetiariiExeConfig",
    "RetiariiExperiment",
    "Scoring",
    "SpikingEvaluator",
    "SubnetEvaluator",
    "TrainedNetwork",
    "Training",
    "TrialEvaluator",
    "UserError",
    "__version__",
    "evaluate",
    "load",
    "load_pretrained",
    "train_network",
]
