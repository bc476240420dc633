from .autosnn import AutoSNN
from .choices import Choices
from .constraints import NO_CONSTRAINTS, Constraints
from .fitness import DISCOUNTING, Fitness
from .generations import ConstrainedRounds, Rounds, Search
from .hamming import HammingKernel
from .history import Evaluated, History
from .metrics import OBJECTIVES, Metrics, Objective
from .nsga2 import NSGA2
from .pareto import HypervolumeShare, front_of, knee, pareto_front
from .population import (
    PopulationEngine,
    PopulationEvaluator,
    SupernetEvaluator,
)
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
    "DISCOUNTING",
    "NO_CONSTRAINTS",
    "NSGA2",
    "OBJECTIVES",
    "SAMPLINGS",
    "SEARCHES",
    "AutoSNN",
    "Choices",
    "ConstrainedRounds",
    "Constraints",
    "Evaluated",
    "Evolution",
    "Exhaustive",
    "Fitness",
    "HammingKernel",
    "History",
    "HypervolumeShare",
    "Listed",
    "Metrics",
    "Objective",
    "PopulationEngine",
    "PopulationEvaluator",
    "RandomSearch",
    "Rounds",
    "SNASNet",
    "Sampling",
    "Search",
    "SearchTuner",
    "SinglePathOneShot",
    "SupernetEvaluator",
    "TrialSearch",
    "front_of",
    "knee",
    "make_search",
    "pareto_front",
]
