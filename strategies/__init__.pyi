from .autosnn import AutoSNN
from .choices import Choices
from .constraints import NO_CONSTRAINTS, Constraints
from .finalists import Finalists
from .fitness import DISCOUNTING, Fitness
from .generations import ConstrainedRounds, Rounds, Search
from .hamming import HammingKernel
from .history import Evaluated, History
from .measurements import Measurements, Metrics
from .nsga2 import NSGA2
from .objectives import (
    ACCURACY,
    BOTH,
    OBJECTIVES,
    SPIKES,
    Objective,
    check_objectives,
    costs_among,
    find_objective,
)
from .pareto import HypervolumeShare, front_of, knee, pareto_front
from .population import (
    PopulationEngine,
    PopulationEvaluator,
    SupernetEvaluator,
)
from .predictor import PredictorSearch, predicted_ranks
from .sampling import SAMPLINGS, Sampling
from .search_tuner import SearchTuner
from .searches import (
    SEARCHES,
    Evolution,
    Exhaustive,
    Listed,
    RandomSearch,
    SNASNet,
    make_search,
)
from .supernet import SinglePathOneShot
from .trial_search import TrialSearch

__all__ = [
    "ACCURACY",
    "BOTH",
    "DISCOUNTING",
    "NO_CONSTRAINTS",
    "NSGA2",
    "OBJECTIVES",
    "SAMPLINGS",
    "SEARCHES",
    "SPIKES",
    "AutoSNN",
    "Choices",
    "ConstrainedRounds",
    "Constraints",
    "Evaluated",
    "Evolution",
    "Exhaustive",
    "Finalists",
    "Fitness",
    "HammingKernel",
    "History",
    "HypervolumeShare",
    "Listed",
    "Measurements",
    "Metrics",
    "Objective",
    "PopulationEngine",
    "PopulationEvaluator",
    "PredictorSearch",
    "RandomSearch",
    "Rounds",
    "SNASNet",
    "Sampling",
    "Search",
    "SearchTuner",
    "SinglePathOneShot",
    "SupernetEvaluator",
    "TrialSearch",
    "check_objectives",
    "costs_among",
    "find_objective",
    "front_of",
    "knee",
    "make_search",
    "pareto_front",
    "predicted_ranks",
]
