from .board import log_search
from .compare_page import write_comparison
from .figures import (
    plot_comparison,
    plot_curves,
    plot_fitness,
    plot_layers,
    plot_network,
    plot_search,
)
from .write import write_report

__all__ = [
    "log_search",
    "plot_comparison",
    "plot_curves",
    "plot_fitness",
    "plot_layers",
    "plot_network",
    "plot_search",
    "write_comparison",
    "write_report",
]
