from .board import log_search
from .write import write_report

__all__ = ["log_search", "write_report"]
