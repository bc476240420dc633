from .autosnn import AutoSNN
from .choices import Choices
from .fitness import DISCOUNTING, Fitness
from .hamming import HammingKernel
from .history import Evaluated, History, Metrics
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
    "SAMPLINGS",
    "SEARCHES",
    "AutoSNN",
    "Choices",
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
    "make_search",
]
