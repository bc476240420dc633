from .plan import PLANS, Plan, Task
from .table import Entry, Measured, Table

__all__ = ["PLANS", "Entry", "Measured", "Plan", "Table", "Task"]
