from .convert import graph_of
from .exported import Exported
from .formats import EXPORTS, Export
from .graph import Graph
from .nir_graph import to_nir
from .recording import compare, record, to_nir_data

__all__ = [
    "EXPORTS",
    "Export",
    "Exported",
    "Graph",
    "compare",
    "graph_of",
    "record",
    "to_nir",
    "to_nir_data",
]
