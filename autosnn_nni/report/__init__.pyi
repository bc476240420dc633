from .compare_page import write_comparison
from .write import write_report

__all__ = ["write_comparison", "write_report"]
