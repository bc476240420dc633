from .autosnn import AutoSNN
from .choices import Choices
from .constraints import NO_CONSTRAINTS, Constraints
from .fitness import DISCOUNTING, Fitness
from .hamming import HammingKernel
from .history import Evaluated, History, Metrics
from .nsga2 import NSGA2
from .pareto import front_of, knee, pareto_front
from .population import (
    PopulationEngine,
    PopulationEvaluator,
    SupernetEvaluator,
)
from .sampling import SAMPLINGS, Sampling
from .searches import (
    SEARCHES,
    Evolution,
    Exhaustive,
    Listed,
    RandomSearch,
    Search,
    SNASNet,
    make_search,
)
from .supernet import SinglePathOneShot
from .trials import TrialSearch
from .tuner import SearchTuner

__all__ = [
    "DISCOUNTING",
    "NO_CONSTRAINTS",
    "NSGA2",
    "SAMPLINGS",
    "SEARCHES",
    "AutoSNN",
    "Choices",
    "Constraints",
    "Evaluated",
    "Evolution",
    "Exhaustive",
    "Fitness",
    "HammingKernel",
    "History",
    "Listed",
    "Metrics",
    "PopulationEngine",
    "PopulationEvaluator",
    "RandomSearch",
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
