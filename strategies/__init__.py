"""One-shot training, spike-aware fitness and the searches over a trained supernet."""

from autosnn_nni.strategies.autosnn import AutoSNN
from autosnn_nni.strategies.choices import Choices
from autosnn_nni.strategies.fitness import DISCOUNTING, Fitness
from autosnn_nni.strategies.history import Evaluated, History
from autosnn_nni.strategies.population import (
    Metrics,
    PopulationEngine,
    PopulationEvaluator,
    SupernetEvaluator,
)
from autosnn_nni.strategies.searches import SEARCHES, Evolution, RandomSearch, Search
from autosnn_nni.strategies.supernet import UniformPaths

__all__ = [
    "DISCOUNTING",
    "SEARCHES",
    "AutoSNN",
    "Choices",
    "Evaluated",
    "Evolution",
    "Fitness",
    "History",
    "Metrics",
    "PopulationEngine",
    "PopulationEvaluator",
    "RandomSearch",
    "Search",
    "SupernetEvaluator",
    "UniformPaths",
]
